// The end of a process, seen without a descriptor of the system for it.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <string>

#include "engine/os/portable/portable.h"
#include "engine/os/thread.h"

#include "engine/os/portable/poison.h"

namespace elsewhere::portable {
namespace {

// The ends that this process alone may hold. A fork that had one would hide the end of
// whoever it tells of.
struct HeldEnds {
  std::mutex mutex;
  std::vector<int> numbers;
};

HeldEnds& held_ends() {
  static HeldEnds& here = *[] {
    ::pthread_atfork([] { held_ends().mutex.lock(); }, [] { held_ends().mutex.unlock(); },
                     [] {
                       for (const int end : held_ends().numbers) ::close(end);
                       held_ends().numbers.clear();
                       held_ends().mutex.unlock();
                     });
    return new HeldEnds;  // never destroyed: a fork may come as long as the process lives
  }();
  return here;
}

void let_go(int end) {
  const std::lock_guard lock(held_ends().mutex);
  std::erase(held_ends().numbers, end);
  ::close(end);
}

// The code of a thread that waits must stay where it is, also when the package is
// unloaded meanwhile.
void stay_loaded() {
#ifdef RTLD_NODELETE
  Dl_info here{};
  if (::dladdr(reinterpret_cast<void*>(&let_go), &here) != 0) {
    ::dlopen(here.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
  }
#endif
}

// Waits until it has ended, or somebody has reaped it, and leaves it to be reaped.
void wait_for_end(pid_t pid, int end) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  let_go(end);
}

}  // namespace

void hold(Fd end) {
  const std::lock_guard lock(held_ends().mutex);
  held_ends().numbers.push_back(end.release());
}

Result<Fd> watch_child(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return system_error("cannot watch process " + std::to_string(pid));
  }
  auto ends = pipe_pair();
  if (!ends.ok()) return ends.error();
  const int end = ends.value().second.get();
  hold(std::move(ends.value().second));
  stay_loaded();
  const auto started = run_in_background("elsewhere-end", "watches a process",
                                         [pid, end] { wait_for_end(pid, end); });
  if (!started.ok()) {
    let_go(end);
    return started.error();
  }
  return std::move(ends.value().first);
}

Result<Process> fork_process() {
  auto ends = pipe_pair();
  if (!ends.ok()) return ends.error();
  auto& [watch, lifeline] = ends.value();
  held_ends();  // its handler runs before the child holds something new
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("cannot fork this process");
  if (pid > 0) return Process{pid, std::move(watch)};
  watch.reset();
  hold(std::move(lifeline));
  return Process{0, {}};
}

Result<std::optional<ExitStatus>> reap(Pid pid) { return reap_by(P_PID, static_cast<id_t>(pid)); }

Result<std::optional<ExitStatus>> reap_by(idtype_t kind, id_t id) {
  siginfo_t info{};
  if (::waitid(kind, id, &info, WEXITED | WNOHANG) != 0) {
    // Somebody else reaped it: it is gone, but how is not known any more.
    if (errno == ECHILD) return std::optional(ExitStatus{-1, 0});
    return system_error("cannot ask how process " + std::to_string(id) + " ended");
  }
  if (info.si_pid == 0) return std::optional<ExitStatus>{};
  if (info.si_code == CLD_EXITED) return std::optional(ExitStatus{info.si_status, 0});
  return std::optional(ExitStatus{0, info.si_status});
}

void undo(Pid pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

bool is_stopped(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

}  // namespace elsewhere::portable
