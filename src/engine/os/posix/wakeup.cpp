#include "engine/os/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace elsewhere {

Result<Wakeup> Wakeup::open() {
  Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return system_error("cannot make an event descriptor");
  return Wakeup(std::move(fd));
}

void Wakeup::raise() {
  const std::uint64_t one = 1;
  // A full counter is a raised flag, so a failed write changes nothing.
  [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void Wakeup::clear() {
  std::uint64_t count;
  [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace elsewhere
