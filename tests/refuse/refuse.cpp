// Runs a program under a filter that refuses system calls, as a container's does:
//
//   refuse ENOSYS pidfd_open,memfd_create program arguments ...
//
// `proc` among the names hides /proc instead. Ends with 77 where this process may not
// do so to itself, and says why.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#include <vector>

namespace {

struct Call {
  std::string_view name;
  unsigned number;
};
constexpr Call kCalls[] = {{"pidfd_open", SYS_pidfd_open},
                           {"pidfd_send_signal", SYS_pidfd_send_signal},
                           {"memfd_create", SYS_memfd_create},
                           {"eventfd2", SYS_eventfd2},
                           {"epoll_create1", SYS_epoll_create1},
                           {"signalfd4", SYS_signalfd4},
                           {"close_range", 436},
                           {"prctl", SYS_prctl},
                           {"timerfd_create", SYS_timerfd_create},
                           {"sched_setaffinity", SYS_sched_setaffinity},
                           {"unshare", SYS_unshare}};

[[noreturn]] void cannot(const char* what) {
  fprintf(stderr, "refuse: %s: %s\n", what, strerror(errno));
  _exit(77);
}

void hide_proc() {
  if (unshare(CLONE_NEWNS) != 0) cannot("a view of the mounts of its own");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) cannot("a private view");
  if (mount("none", "/proc", "tmpfs", 0, nullptr) != 0) cannot("an empty /proc");
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return fprintf(stderr, "refuse <error> <calls> <program> ...\n"), 2;
  const unsigned error = strcmp(words[1], "EPERM") == 0 ? EPERM : ENOSYS;
  std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const char* word = strtok(words[2], ","); word != nullptr; word = strtok(nullptr, ",")) {
    const std::string_view name = word;
    bool is_known = name == "proc";
    if (is_known) hide_proc();
    for (const Call& call : kCalls) {
      if (call.name != name) continue;
      is_known = true;
      filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 1));
      filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
    }
    if (!is_known) return fprintf(stderr, "refuse: no call is called %s\n", word), 2;
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) cannot("to give up new privileges");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) cannot("a filter");
  execvp(words[3], words + 3);
  return fprintf(stderr, "refuse: cannot start %s: %s\n", words[3], strerror(errno)), 2;
}
