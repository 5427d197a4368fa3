// Where a session's standard output and standard error go while a call runs.
// Descriptors 1 and 2 themselves are moved, so what C code and child processes
// write is caught too.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

class OutputRedirect {
 public:
  // A target is "memory" (a file without a name that the owner reads),
  // "2>&1" (standard error alone: the same as standard output), "" (stay where
  // it is), or a path, which is emptied now and appended to.
  static Result<OutputRedirect> open(const std::string& output, const std::string& error);

  // The files in memory, in the order output, error; what the owner gets.
  std::vector<int> memory_fds() const;

  // Empties the files in memory and moves the descriptors, unless they are there
  // still. The caller flushes its streams before each call of either.
  void begin();
  void end();

 private:
  struct Stream {
    int number = -1;  // 1 or 2
    Fd target;        // nothing: this stream stays
    Fd home;          // where the stream goes between calls
    bool is_memory = false;
  };

  std::array<Stream, 2> streams_;
  bool has_begun_ = false;
};

}  // namespace elsewhere
