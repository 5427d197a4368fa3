#include "engine/os/thread.h"

#include <signal.h>

#include <string>
#include <system_error>
#include <utility>

#include "engine/os/posix/system.h"

namespace elsewhere {
namespace {

// A thread has for ever what is blocked in the one that starts it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

std::thread start_thread(const char* name, std::function<void()> job) {
  const SignalsBlocked blocked;
  return std::thread([name = std::string(name), job = std::move(job)] {
    system::name_this_thread(name.c_str());
    job();
  });
}

Status run_in_background(const char* name, const char* purpose, std::function<void()> job) {
  try {
    start_thread(name, std::move(job)).detach();
  } catch (const std::system_error& failure) {
    return Error{ErrorCode::System,
                 std::string("cannot start the thread that ") + purpose + ": " + failure.what()};
  }
  return Done{};
}

}  // namespace elsewhere
