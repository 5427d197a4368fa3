// The worker's standard input, taken over from the process: lines for R's top
// level. Descriptor 0 itself becomes /dev/null, so that code in the worker that
// reads standard input finds its end and not somebody's lines.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

class ConsoleInput {
 public:
  // Takes descriptor 0 over. What is not a pipe, socket or terminal counts as no
  // console at all, and its end means nothing.
  static Result<ConsoleInput> take_over();

  // To wait on; -1 when there is no console or it has ended.
  int fd() const { return fd_.get(); }
  bool has_ended() const { return has_ended_; }

  // Reads once; blocks only if the descriptor is not readable.
  void read_some();
  // A line with its newline is here, or the last one without.
  bool has_line() const;
  // At most `bytes_max` bytes of the first line.
  std::string take_line(std::size_t bytes_max);

 private:
  Fd fd_;
  std::string text_;
  bool has_ended_ = false;
};

}  // namespace elsewhere
