// Without a library: the stand-in links this, too.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "engine/os/portable/portable.h"

#include "engine/os/portable/poison.h"

namespace elsewhere::portable {

// A pipe of which this process alone holds the far end.
int watch_of_this_process(int& held) {
  int ends[2];
  if (::pipe(ends) != 0) return held = -1;
  ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  ::fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  held = ends[1];
  return ends[0];
}

// The number is the process's own at least until it has ended and was reaped, so the
// watch is asked first. Between the two a process that is no child of ours may still
// end and be reaped: that takes microseconds, and all numbers in between to be used up.
int send_signal(int watch, pid_t pid, int number) {
  if (pid <= 0) return EINVAL;  // these are groups
  pollfd entry{watch, POLLIN, 0};
  if (watch >= 0 && ::poll(&entry, 1, 0) > 0) return ESRCH;
  return ::kill(pid, number) == 0 ? 0 : errno;
}

}  // namespace elsewhere::portable
