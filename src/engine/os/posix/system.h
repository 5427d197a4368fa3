// What the sources of os/posix/ ask of the system, and no POSIX system answers like
// another: each of these is one file's work in os/linux/, or in os/portable/, which
// a build takes instead.
#pragma once

#include <spawn.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere::system {

// The end to read, then the end to write, both close-on-exec.
Result<std::pair<Fd, Fd>> pipe_pair();

// sendmsg() and recvmsg(), without blocking and without SIGPIPE. Descriptors that
// arrive are close-on-exec.
ssize_t send_message(int fd, const msghdr& message);
ssize_t receive_message(int fd, msghdr& message);

// The end to wait on and the end to write to, neither of which blocks; nothing for
// the second where they are one.
Result<std::pair<Fd, Fd>> wakeup_ends();

// Adds what closes every descriptor from `first` on in the process that is started.
void add_close_from(posix_spawn_file_actions_t& actions, int first);
// Every open descriptor from `first` on is closed when this process becomes another.
void close_on_exec_from(int first);

// At most 15 characters. Nothing happens where threads have no names.
void name_this_thread(const char* name);

}  // namespace elsewhere::system
