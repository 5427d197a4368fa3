// A flag that one thread raises and another waits for with poll(). Raising is
// safe from any thread; it never blocks and never fails.
#pragma once

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

class Wakeup {
 public:
  static Result<Wakeup> open();

  void raise();
  void clear();
  int fd() const { return fd_.get(); }  // readable while raised

 private:
  explicit Wakeup(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace elsewhere
