// Child processes: start, signal and reap exactly the ones we own. A process is
// held by a descriptor (pidfd), so a signal can never reach a stranger that got
// the same pid.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

struct SpawnRequest {
  std::string program;                   // a path; not searched for
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // NAME=value, complete
  // Descriptors the child gets, as (its number, ours). Numbers 0 to 2 that are
  // not given become /dev/null; everything else stays behind.
  std::vector<std::pair<int, int>> descriptors;
};

struct Process {
  pid_t pid = -1;
  Fd pidfd;  // readable once the process has ended
};

// How a process ended: a status, or the signal that killed it.
struct ExitStatus {
  int status = 0;
  int signal = 0;
};
// "ended with status 1" / "was killed by signal 9 (Killed)"
std::string describe(const ExitStatus& exit);

// Starts `request` in a session of its own, with default signal dispositions
// and an empty signal mask. Does not copy this process's memory, however large.
Result<Process> spawn(const SpawnRequest& request);
// A descriptor for a process that is known to exist and not to be reaped.
Result<Fd> open_pidfd(pid_t pid);
// false if the process has already ended.
Result<bool> send_signal(const Process& process, int signal);
// Whether a process on this machine is stopped by a signal, as by SIGSTOP. false
// if there is no such process.
bool is_stopped(pid_t pid);
// How much memory a process on this machine has in use; 0 if it is gone.
std::uint64_t resident_bytes(pid_t pid);
// Reaps our own child if it has ended. Never waits.
Result<std::optional<ExitStatus>> reap(const Process& process);
// Seconds from the start of the machine to that of a process.
Result<double> started_at(pid_t pid);
// Ends this process at once: no destructor and no exit handler runs, R's own
// least of all. For worker processes.
[[noreturn]] void end_this_process(int status);
// Becomes `program`, in this process, with its standard streams and nothing else
// of what is open; `environment` is set on top of this one's. Returns only when
// it could not.
Error become(const std::string& program, const std::vector<std::string>& arguments,
             const std::vector<std::string>& environment);
// This process's environment as NAME=value. For the thread that changes it: R's
// main thread.
std::vector<std::string> current_environment();
// Makes `entries` what others see as the environment of this process (`ps e`,
// `/proc/<pid>/environ`); a fork shows that of the process it was forked from. May be
// called once. false where the system does not let it.
bool show_environment(const std::vector<std::string>& entries);

}  // namespace elsewhere
