#include "engine/os/signal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "engine/os/pid.h"

namespace elsewhere {

static_assert(kInterruptSignal == SIGINT && kKillSignal == SIGKILL && kTerminateSignal == SIGTERM);

namespace {

// A handler can reach nothing else.
Wakeup* termination = nullptr;
Pid termination_holder = -1;

// SIGTERM is blocked in a handler of its own: the fork's comes when this one returns.
void on_termination(int) {
  if (this_process() != termination_holder) {
    ::signal(SIGTERM, SIG_DFL);
    ::raise(SIGTERM);
    return;
  }
  termination->raise();
  for (;;) ::pause();
}

}  // namespace

void ignore_broken_pipes() { ::signal(SIGPIPE, SIG_IGN); }

void crash_without_handlers() {
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::signal(number, SIG_DFL);
}

Status hold_termination(Wakeup& flag) {
  termination = &flag;
  termination_holder = this_process();
  struct sigaction action {};
  action.sa_handler = on_termination;
  if (::sigaction(SIGTERM, &action, nullptr) != 0) {
    return system_error("cannot hold the signal that ends this process");
  }
  return Done{};
}

void end_by_termination() {
  ::signal(SIGTERM, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGTERM);
  ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  ::raise(SIGTERM);
  for (;;) ::pause();
}

}  // namespace elsewhere
