// Descriptors that are close-on-exec, and sockets that raise no SIGPIPE, where neither
// can be had at the moment they are made.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/os/portable/portable.h"
#include "engine/os/socket.h"

#include "engine/os/portable/poison.h"

namespace elsewhere::portable {
namespace {

bool close_on_exec(int fd) { return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0; }

Result<std::pair<Fd, Fd>> both(const int (&ends)[2], const char* what) {
  std::pair pair{Fd(ends[0]), Fd(ends[1])};
  if (!close_on_exec(ends[0]) || !close_on_exec(ends[1])) return system_error(what);
  return pair;
}

}  // namespace

Result<std::pair<Fd, Fd>> pipe_pair() {
  int ends[2];
  if (::pipe(ends) != 0) return system_error("cannot make a pipe");
  return both(ends, "cannot make a pipe");
}

Result<std::pair<Fd, Fd>> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    return system_error("cannot make a pair of sockets");
  }
#ifdef SO_NOSIGPIPE
  const int on = 1;
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return both(ends, "cannot make a pair of sockets");
}

ssize_t send_message(int fd, const msghdr& message) {
#ifdef MSG_NOSIGNAL
  return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
#else
  return ::sendmsg(fd, &message, MSG_DONTWAIT);
#endif
}

ssize_t receive_message(int fd, msghdr& message) {
  const ssize_t got = ::recvmsg(fd, &message, MSG_DONTWAIT);
  if (got >= 0) for_each_received(message, close_on_exec);
  return got;
}

Result<std::pair<Fd, Fd>> wakeup_ends() {
  auto ends = pipe_pair();
  if (!ends.ok()) return ends.error();
  for (const int end : {ends.value().first.get(), ends.value().second.get()}) {
    if (auto status = set_nonblocking(end); !status.ok()) return status.error();
  }
  return ends;
}

}  // namespace elsewhere::portable
