// A build for ELSEWHERE_OS=portable watches children alone. A system that can do more has
// this one file instead, as os/kqueue/.
#include <unistd.h>

#include "engine/os/portable/portable.h"
#include "engine/os/process.h"

#include "engine/os/portable/poison.h"

namespace elsewhere {

Result<Fd> watch_process(pid_t pid) { return portable::watch_child(pid); }
Result<Process> watch_parent() { return Process{::getppid(), {}}; }

}  // namespace elsewhere
