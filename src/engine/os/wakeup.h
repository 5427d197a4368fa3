// A flag that one thread raises and another waits for with poll(). Raising is
// safe from any thread and in a signal handler; it never blocks and never fails.
#pragma once

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

class Wakeup {
 public:
  static Result<Wakeup> open();

  void raise();
  void clear();
  int fd() const { return reading_.get(); }  // readable while raised

 private:
  Wakeup(Fd reading, Fd writing) : reading_(std::move(reading)), writing_(std::move(writing)) {}
  Fd reading_;
  Fd writing_;  // nothing where one descriptor does both
};

}  // namespace elsewhere
