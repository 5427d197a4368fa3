// Processes held by a pidfd: nobody else ever gets what is sent to it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "engine/os/linux/refusable.h"
#include "engine/os/linux/system_calls.h"
#include "engine/os/portable/portable.h"
#include "engine/os/process.h"

namespace elsewhere {
namespace {

// Close-on-exec by definition.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

linux_only::Refusable opening;

// Before a fork it must be known: what stands in for it is made before.
bool has_pidfds() {
  static const bool has = [] {
    const Fd own(open_pidfd(::getpid()));
    return own || !opening.note_failure();
  }();
  return has && !opening.is_refused();
}

}  // namespace

Result<Fd> watch_process(pid_t pid) {
  if (!opening.is_refused()) {
    Fd watch(open_pidfd(pid));
    if (watch) return watch;
    if (!opening.note_failure()) {
      return system_error("cannot watch process " + std::to_string(pid));
    }
  }
  return portable::watch_child(pid);
}

Result<Process> watch_parent() {
  const pid_t parent = ::getppid();
  if (!has_pidfds()) return Process{parent, {}};
  auto watch = watch_process(parent);
  if (!watch.ok()) return watch.error();
  // The number was opened, then it was still our parent: the right process.
  if (::getppid() != parent) return Error{ErrorCode::Closed, "the owner is gone"};
  return Process{parent, std::move(watch.value())};
}

Result<Process> fork_process() {
  if (!has_pidfds()) return portable::fork_process();
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("cannot fork this process");
  if (pid == 0) return Process{0, {}};
  auto watch = watch_process(pid);
  if (!watch.ok()) {
    portable::undo(pid);
    return watch.error();
  }
  return Process{pid, std::move(watch.value())};
}

Result<std::optional<ExitStatus>> reap(const Process& process) {
  const auto kind = static_cast<idtype_t>(3);  // P_PIDFD
  auto exit = portable::reap_by(kind, static_cast<id_t>(process.watch.get()));
  return exit.ok() ? exit : portable::reap(process.pid);  // the watch may be no pidfd
}

}  // namespace elsewhere
