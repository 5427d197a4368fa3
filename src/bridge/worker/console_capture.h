// What R code prints to standard output, kept in memory: cheap, because no
// descriptor moves. Output of C code and of child processes is not seen; see
// OutputRedirect for that. R has one console, so one capture runs at a time.
#pragma once

#include <string>

namespace elsewhere {

// R's main thread only.
class ConsoleCapture {
 public:
  // false when a capture is already running, of this object or of another.
  bool begin();
  // Ends this object's capture and hands over what it caught.
  std::string end();
  bool is_running() const { return is_running_; }

 private:
  bool is_running_ = false;
};

}  // namespace elsewhere
