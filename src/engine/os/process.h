// Child processes: start, signal and reap exactly the ones we own. A process is
// held by a descriptor that watches it, so that a signal does not reach a stranger
// that got the same pid.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"
#include "engine/os/pid.h"

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
  Pid pid = -1;
  Fd watch;  // readable once the process has ended; it may be sent to other processes
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
// fork(). In the child the answer's pid is 0, and it has no watch.
Result<Process> fork_process();
// `job` runs in each fork of this process. There is no way to take it back.
void in_each_fork(void (*job)());
// Makes a child, or this process, the leader of a process group of its own.
void lead_group(Pid pid);
// The same for this process and a session, without a terminal.
void lead_session();

// Watches a child of this process that has not been reaped. Where the system can,
// any other process too; elsewhere that is an error. The descriptor is this
// process's own, and its forks'.
Result<Fd> watch_process(Pid pid);
// Watches the parent. Without a descriptor where the system watches children alone:
// then is_there() is to be asked now and then. Closed if the parent has just ended.
Result<Process> watch_parent();
// Watches this process: to be sent to others. A fork of it is not watched.
Result<Fd> watch_this_process();
// Whether a process without a watch is there still; `parent` is who our parent was,
// whose end shows even before it is reaped.
bool is_there(Pid pid, Pid parent);
inline constexpr std::chrono::milliseconds kLookForProcess{250};  // how often to ask that

// false if the process has already ended.
Result<bool> send_signal(const Process& process, int signal);
// Kills it, and the process group that it leads.
void kill_group(const Process& process);
// Reaps our own child if it has ended. Never waits.
Result<std::optional<ExitStatus>> reap(const Process& process);

// Ends this process at once: no destructor and no exit handler runs, R's own
// least of all. For worker processes.
[[noreturn]] void end_this_process(int status);
// Kills this process, and its group if it leads one.
[[noreturn]] void kill_this_group();
// Calls `tell` with the status when this process ends by exit(). false where the
// system keeps the status to itself.
bool tell_status_at_exit(void (*tell)(int status, void* data), void* data);
// This process is killed when its parent ends. A help beside other ways to notice
// that: not every system knows it.
void end_with_parent();
// Becomes `program`, in this process, with its standard streams and nothing else
// of what is open; `environment` is set on top of this one's. Returns only when
// it could not.
Error become(const std::string& program, const std::vector<std::string>& arguments,
             const std::vector<std::string>& environment);

// This process's environment as NAME=value. For the thread that changes it: R's
// main thread, as the two below.
std::vector<std::string> current_environment();
void clear_environment();
// Makes `entries` what others see as the environment of this process, as `ps e` does;
// a fork shows that of the process it was forked from. May be called once. false where
// the system does not let it.
bool show_environment(const std::vector<std::string>& entries);

}  // namespace elsewhere
