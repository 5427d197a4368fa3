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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/os/bare.h"
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
  int held = -1;  // until the end
  fds[kStandInFd] = bare::watch_of_this_process(held);
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
  if (!is_sent) return false;
  bare::Inherited inherited{};
  bare::get_inherited(inherited);
  return send_all(&inherited, sizeof inherited) && send_marks();
}

// false at the end of the connection. What comes along goes to `watch`.
bool receive(SessionReport& report, int& watch) {
  iovec part{&report, sizeof report};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do {
    got = ::recvmsg(kJointFd, &message, MSG_WAITALL);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof report)) return false;
  const cmsghdr* attached = CMSG_FIRSTHDR(&message);
  if (attached != nullptr) ::memcpy(&watch, CMSG_DATA(attached), sizeof watch);
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

// The session has ended, and nobody has told how.
SessionReport ask_the_system(pid_t pid, int watch) {
  int status = 0;
  if (!bare::status_of_ended(pid, watch, status)) return {SessionNews::Exited, kStatusUnknown};
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

pid_t session_pid = -1;
int session_watch = -1;

// A signal for the stand-in is one for the session.
void pass_on(int number) {
  const int before = errno;
  bare::send_signal(session_watch, session_pid, number);
  errno = before;
}

// A fault of the stand-in itself would come again for ever, so each of those is passed
// on once.
void pass_on_signals() {
  struct sigaction action {};
  action.sa_handler = pass_on;
  for (int number = 1; number < NSIG; ++number) {
    const bool is_fault =
        number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE;
    action.sa_flags = is_fault ? static_cast<int>(SA_RESETHAND) : 0;
    if (number != SIGCHLD) ::sigaction(number, &action, nullptr);  // some refuse
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The session has ended when its watch says so: its own report comes before that.
[[noreturn]] void stand_in() {
  SessionReport report{SessionNews::Exited, kStatusUnknown};
  bool has_report = false;
  bool is_told = false;
  pass_on_signals();
  for (;;) {
    pollfd entry{is_told ? session_watch : kJointFd, POLLIN, 0};
    if (::poll(&entry, 1, -1) < 0) {
      if (errno == EINTR) continue;
      ::_exit(kStatusUnknown);
    }
    if (is_told) end_as(has_report ? report : ask_the_system(session_pid, session_watch));
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
  // The fork may have been killed already: that is the session's end, too.
  const bool is_handed_over = hand_over();
  if (!is_handed_over) ::shutdown(kJointFd, SHUT_WR);
  if (!receive(report, session_watch)) report.news = SessionNews::Refused;
  if (is_handed_over || report.news == SessionNews::Signalled) end_as(report);
  if (report.news == SessionNews::Began && session_watch >= 0) {
    session_pid = report.number;
    hide_marks();
    let_go_of_the_sessions_descriptors();
    stand_in();
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
