#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/os/linux/refusable.h"
#include "engine/os/portable/portable.h"
#include "engine/os/posix/system.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace system {

Result<std::pair<Fd, Fd>> pipe_pair() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe");
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}

ssize_t send_message(int fd, const msghdr& message) {
  return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t receive_message(int fd, msghdr& message) {
  return ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
}

Result<std::pair<Fd, Fd>> wakeup_ends() {
  static linux_only::Refusable refusable;
  if (!refusable.is_refused()) {
    Fd both(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (both) return std::pair{std::move(both), Fd()};
    if (!refusable.note_failure()) return system_error("cannot make an event descriptor");
  }
  return portable::wakeup_ends();
}

}  // namespace system

Result<std::pair<Fd, Fd>> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return system_error("cannot make a pair of sockets");
  }
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}

std::size_t unread_bytes(int fd) {
  int count = 0;
  if (::ioctl(fd, SIOCOUTQ, &count) != 0) return 0;
  return static_cast<std::size_t>(count);
}

}  // namespace elsewhere
