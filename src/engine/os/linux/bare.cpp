// Without a library: the stand-in links this, too.
#include "engine/os/bare.h"

#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>

#include "engine/os/linux/proc_file.h"
#include "engine/os/linux/system_calls.h"
#include "engine/os/portable/portable.h"

namespace elsewhere::bare {
namespace {

// What the kernel keeps of a process for those who hold its pidfd (`struct
// pidfd_info` of Linux 6.15; our headers may be older).
struct Kept {
  std::uint64_t mask;
  std::uint64_t control_group;
  std::uint32_t ids[11];
  std::int32_t status;
};
constexpr unsigned long kGetKept = _IOWR(0xff, 11, Kept);
constexpr std::uint64_t kHasStatus = 1U << 3;

// The status of a process whose parent has not taken it yet.
bool status_of_zombie(Pid pid, int& status) {
  const linux_only::ProcStat stat(pid);
  std::uint64_t code = 0;
  if (stat.state() != 'Z' || !stat.field(52, code)) return false;
  status = static_cast<int>(code);
  return true;
}

}  // namespace

int watch_of_this_process(int& held) {
  held = -1;
  const int watch = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  return watch >= 0 ? watch : portable::watch_of_this_process(held);
}

// The watch may be a lifeline, of whoever could not make a better one.
int send_signal(int watch, Pid pid, int number) {
  if (::syscall(SYS_pidfd_send_signal, watch, number, nullptr, 0) == 0) return 0;
  return errno == ESRCH ? ESRCH : portable::send_signal(watch, pid, number);
}

void get_processors(unsigned char* into, std::size_t bytes) {
  ::sched_getaffinity(0, bytes, reinterpret_cast<cpu_set_t*>(into));
}

void set_processors(const unsigned char* from, std::size_t bytes) {
  ::sched_setaffinity(0, bytes, reinterpret_cast<const cpu_set_t*>(from));
}

// Its parent, whoever that is by now, takes its status at some time; the kernel shows
// it until then, and keeps it for us afterwards, if it is new enough.
bool status_of_ended(Pid pid, int watch, int& status) {
  if (status_of_zombie(pid, status) &&
      (::syscall(SYS_pidfd_send_signal, watch, 0, nullptr, 0) == 0 || errno != ESRCH)) {
    return true;
  }
  Kept kept{kHasStatus, 0, {}, 0};
  // musl's ioctl() takes an int, and this is none.
  const bool is_kept =
      ::syscall(SYS_ioctl, watch, kGetKept, &kept) == 0 && (kept.mask & kHasStatus) != 0;
  status = kept.status;
  return is_kept;
}

}  // namespace elsewhere::bare
