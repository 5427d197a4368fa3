// What the system is asked for in words that every POSIX system knows. A build for
// ELSEWHERE_OS=portable has nothing else; on Linux each stands in for a call that the
// kernel, or the container it is in, refuses. Promises as in the headers of os/.
#pragma once

#include <spawn.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"
#include "engine/os/process.h"

namespace elsewhere::portable {

Result<std::pair<Fd, Fd>> pipe_pair();
Result<std::pair<Fd, Fd>> socket_pair();
ssize_t send_message(int fd, const msghdr& message);
ssize_t receive_message(int fd, msghdr& message);
Result<std::pair<Fd, Fd>> wakeup_ends();

// A file of a file system in memory, if there is one, else a temporary one; its name
// is taken away at once.
Result<Fd> memory_file();

// The numbers of the descriptors that are open, from `first` on.
std::vector<int> open_descriptors(int first);
void add_close_from(posix_spawn_file_actions_t& actions, int first);
void close_on_exec_from(int first);

// A thread waits for the end of the child.
Result<Fd> watch_child(pid_t pid);
// The child holds one end of a pipe as long as it lives: a lifeline. The other end is
// the watch.
Result<Process> fork_process();
Result<std::optional<ExitStatus>> reap(pid_t pid);
// Of a child.
bool is_stopped(pid_t pid);

// As in bare.h, for the stand-in as well.
int watch_of_this_process(int& held);
int send_signal(int watch, pid_t pid, int number);

// Keeps an end of a pipe that this process alone may hold: its forks close it.
void hold(Fd end);

}  // namespace elsewhere::portable
