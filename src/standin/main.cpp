// The stand-in of a session: what processx starts, and holds as the session's
// process, when the session itself is forked by a nursery. It hands over what
// processx gave it, then waits and ends as the session does: with its status, or
// by its signal. Where the nursery cannot fork, the stand-in becomes the session
// by starting R in its own place.
//
//   elsewhere-standin <R> <arguments of R ...>
//
// One thread, no library but the C library: there is one for each session.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>

#include "engine/wire/belongings.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to us

namespace elsewhere {
namespace {

constexpr int kCannotStart = 127;
constexpr int kStatusUnknown = 255;

bool send_all(const void* from, size_t bytes) {
  const char* next = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t sent = ::send(kJointFd, next, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    next += sent;
    bytes -= static_cast<size_t>(sent);
  }
  return true;
}

bool is_mark(const char* entry) { return ::strncmp(entry, kMark, sizeof kMark - 1) == 0; }

Belongings own_belongings() {
  Belongings own{};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (is_mark(*entry)) own.marks_bytes += ::strlen(*entry) + 1;
  }
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    ::getrlimit(static_cast<__rlimit_resource_t>(i), &own.limits[i]);
  }
  ::sched_getaffinity(0, sizeof own.processors, &own.processors);
  own.mask = ::umask(0);
  ::umask(own.mask);
  own.niceness = ::getpriority(PRIO_PROCESS, 0);
  return own;
}

bool send_marks() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (is_mark(*entry) && !send_all(*entry, ::strlen(*entry) + 1)) return false;
  }
  return true;
}

bool hand_over() {
  const Belongings own = own_belongings();
  int fds[kBelongingFds] = {0, 1, 2, -1};
  fds[kStandInFd] = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  if (fds[kStandInFd] < 0) return false;

  iovec part{const_cast<Belongings*>(&own), sizeof own};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* attached = CMSG_FIRSTHDR(&message);
  attached->cmsg_level = SOL_SOCKET;
  attached->cmsg_type = SCM_RIGHTS;
  attached->cmsg_len = CMSG_LEN(sizeof fds);
  ::memcpy(CMSG_DATA(attached), fds, sizeof fds);
  const bool is_sent =
      ::sendmsg(kJointFd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof own);
  ::close(fds[kStandInFd]);
  return is_sent && send_marks();
}

// false at the end of the connection. A pidfd that comes along goes to `pidfd`.
bool receive(SessionReport& report, int& pidfd) {
  iovec part{&report, sizeof report};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do {
    got = ::recvmsg(kJointFd, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof report)) return false;
  const cmsghdr* attached = CMSG_FIRSTHDR(&message);
  if (attached != nullptr) ::memcpy(&pidfd, CMSG_DATA(attached), sizeof pidfd);
  return true;
}

[[noreturn]] void end_by_signal(int number) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);  // the session has left its own
  ::signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  ::raise(number);
  ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
  ::_exit(128 + number);
}

// Returns when the session has not ended.
void end_as(const SessionReport& report) {
  if (report.news == SessionNews::Exited) ::_exit(report.number);
  if (report.news == SessionNews::Signalled) end_by_signal(report.number);
}

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

// The status of a process whose parent has not taken it yet, as wait() has it.
bool status_of_zombie(pid_t pid, int& status) {
  char path[32] = "/proc/";
  char* const end = std::to_chars(path + 6, path + 26, pid).ptr;
  ::memcpy(end, "/stat", sizeof "/stat");
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  char text[1024];
  const ssize_t got = file < 0 ? -1 : ::read(file, text, sizeof text - 1);
  ::close(file);
  if (got <= 0) return false;
  text[got] = '\0';
  const char* const state = ::strrchr(text, ')');  // the name may hold anything
  const char* const last = ::strrchr(text, ' ');
  if (state == nullptr || ::strncmp(state, ") Z", 3) != 0) return false;
  return std::from_chars(last + 1, text + got, status).ec == std::errc();
}

// The session has ended, and nobody has told how. Its parent, whoever that is by
// now, takes its status at some time; the kernel shows it until then, and keeps it
// for us afterwards, if it is new enough.
SessionReport ask_the_kernel(pid_t pid, int pidfd) {
  int status = 0;
  bool is_known =
      status_of_zombie(pid, status) && ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) == 0;
  if (!is_known) {
    Kept kept{kHasStatus, 0, {}, 0};
    is_known = ::ioctl(pidfd, kGetKept, &kept) == 0 && (kept.mask & kHasStatus) != 0;
    status = kept.status;
  }
  if (!is_known) return {SessionNews::Exited, kStatusUnknown};
  if (WIFSIGNALED(status)) return {SessionNews::Signalled, WTERMSIG(status)};
  return {SessionNews::Exited, WEXITSTATUS(status)};
}

void let_go_of_the_sessions_descriptors() {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i <= 2; ++i) ::dup2(nothing, i);
  ::close(nothing);
  ::close(kPacketsFd);
}

// processx finds what belongs to a session by its mark in the environment, and
// kills that. The stand-in must not be in the list: it ends with the session, at
// the moment when its turn may come.
void hide_marks() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (is_mark(*entry)) ::memset(*entry, '_', ::strcspn(*entry, "="));
  }
}

// A signal for the stand-in is one for the session. The session has ended when its
// pidfd says so: its own report comes before that.
[[noreturn]] void stand_in(pid_t pid, int pidfd, int signals) {
  SessionReport report{SessionNews::Exited, kStatusUnknown};
  bool has_report = false;
  bool is_told = false;
  for (;;) {
    pollfd entries[] = {{is_told ? pidfd : kJointFd, POLLIN, 0}, {signals, POLLIN, 0}};
    if (::poll(entries, 2, -1) < 0) {
      if (errno == EINTR) continue;
      ::_exit(kStatusUnknown);
    }
    if (entries[1].revents != 0) {
      signalfd_siginfo arrived;
      if (::read(signals, &arrived, sizeof arrived) == static_cast<ssize_t>(sizeof arrived)) {
        ::syscall(SYS_pidfd_send_signal, pidfd, static_cast<int>(arrived.ssi_signo), nullptr, 0);
      }
    }
    if (entries[0].revents == 0) continue;
    if (is_told) end_as(has_report ? report : ask_the_kernel(pid, pidfd));
    // No word comes where the nursery is gone, and a signal ends the session.
    int unused = -1;
    has_report = receive(report, unused);
    is_told = true;
  }
}

int run(char** command) {
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  ::fcntl(kJointFd, F_SETFD, FD_CLOEXEC);
  SessionReport report{SessionNews::Refused, 0};
  int pidfd = -1;
  // The fork may have been killed already: that is the session's end, too.
  const bool is_handed_over = hand_over();
  if (!is_handed_over) ::shutdown(kJointFd, SHUT_WR);
  if (!receive(report, pidfd)) report.news = SessionNews::Refused;
  if (is_handed_over || report.news == SessionNews::Signalled) end_as(report);
  if (report.news == SessionNews::Began && pidfd >= 0) {
    hide_marks();
    let_go_of_the_sessions_descriptors();
    stand_in(report.number, pidfd, ::signalfd(-1, &all, SFD_CLOEXEC));
  }
  ::close(kJointFd);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::execv(command[0], command);
  return kCannotStart;
}

}  // namespace
}  // namespace elsewhere

int main(int count, char** words) {
  return count > 1 ? elsewhere::run(words + 1) : elsewhere::kCannotStart;
}
