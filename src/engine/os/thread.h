// What a thread of ours must be: silent to signals, which are R's main thread's, and
// found by its name.
#pragma once

#include <signal.h>

namespace elsewhere {

// While it lives, the calling thread has every signal blocked; a thread that it starts
// meanwhile has so for ever.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// At most 15 characters. Nothing happens where threads have no names.
void name_this_thread(const char* name);

}  // namespace elsewhere
