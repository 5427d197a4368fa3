// A kqueue played by epoll and a pidfd, as far as os/kqueue/ goes: a queue that can be
// polled once the process has ended. One that has ended is not there, as on macOS.
#include <sys/event.h>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>

int kqueue() { return ::epoll_create1(EPOLL_CLOEXEC); }

int kevent(int queue, const struct kevent* changes, int count, struct kevent*, int,
           const timespec*) {
  if (count != 1 || changes->filter != EVFILT_PROC || changes->fflags != NOTE_EXIT) {
    errno = EINVAL;
    return -1;
  }
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, changes->ident, 0));
  if (process < 0) return -1;
  pollfd entry{process, POLLIN, 0};
  epoll_event wanted{EPOLLIN, {}};
  const bool has_ended = ::poll(&entry, 1, 0) > 0;
  const int added = has_ended ? -1 : ::epoll_ctl(queue, EPOLL_CTL_ADD, process, &wanted);
  if (has_ended) {
    ::close(process);
    errno = ESRCH;
  }
  return added;  // the queue watches as long as the pidfd is open, which it stays
}
