// What the system is asked for in words that every POSIX system knows. A build for
// ELSEWHERE_OS=portable has nothing else; on Linux each stands in for a call that the
// kernel, or the container it is in, refuses. Promises as in the headers of os/.
#pragma once

#include <spawn.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cstring>
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

// Calls `use` with each descriptor that came with a message.
template <class Use>
void for_each_received(msghdr& message, Use&& use) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      use(number);
    }
  }
}

// A file of a file system in memory, if there is one, else a temporary one; its name
// is taken away at once.
Result<Fd> memory_file();

// The numbers of the descriptors that are open, from `first` on.
std::vector<int> open_descriptors(int first);
void add_close_from(posix_spawn_file_actions_t& actions, int first);
void close_on_exec_from(int first);

// A thread waits for the end of the child.
Result<Fd> watch_child(Pid pid);
// The child holds one end of a pipe as long as it lives: a lifeline. The other end is
// the watch.
Result<Process> fork_process();
Result<std::optional<ExitStatus>> reap(Pid pid);
// Kills and reaps a child that nobody has heard of yet.
void undo(Pid pid);
// The same for a child as waitid() names it.
Result<std::optional<ExitStatus>> reap_by(idtype_t kind, id_t id);
// Of a child.
bool is_stopped(Pid pid);

// As in bare.h, for the stand-in as well.
int watch_of_this_process(int& held);
int send_signal(int watch, Pid pid, int number);

// Keeps an end of a pipe that this process alone may hold: its forks close it.
void hold(Fd end);

}  // namespace elsewhere::portable
