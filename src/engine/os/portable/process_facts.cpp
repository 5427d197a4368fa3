// POSIX has no question for these, but for one. Who asks goes without.
#include "engine/os/process_facts.h"

#include <string>

#include "engine/os/portable/portable.h"

#include "engine/os/portable/poison.h"

namespace elsewhere {

bool is_stopped(Pid pid) { return portable::is_stopped(pid); }
std::uint64_t resident_bytes(Pid) { return 0; }
Result<double> started_at(Pid pid) {
  return Error{ErrorCode::System,
               "this system does not tell when process " + std::to_string(pid) + " was started"};
}
std::optional<int> count_threads() { return {}; }

}  // namespace elsewhere
