#include "engine/os/wakeup.h"

#include <unistd.h>

#include <array>
#include <cstdint>

#include "engine/os/posix/system.h"

namespace elsewhere {

Result<Wakeup> Wakeup::open() {
  auto ends = system::wakeup_ends();
  if (!ends.ok()) return ends.error();
  return Wakeup(std::move(ends.value().first), std::move(ends.value().second));
}

void Wakeup::raise() {
  const std::uint64_t one = 1;
  // What is full is raised, so a failed write changes nothing.
  const int fd = writing_ ? writing_.get() : reading_.get();
  [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
}

// A pipe that was raised more often than fits here stays raised, which wakes once too
// often and does no harm.
void Wakeup::clear() {
  std::array<std::uint64_t, 512> raised;
  [[maybe_unused]] const auto got = ::read(reading_.get(), raised.data(), sizeof raised);
}

}  // namespace elsewhere
