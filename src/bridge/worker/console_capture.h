// What R code prints to standard output, kept in memory: cheap, because no
// descriptor moves. Output of C code and of child processes is not seen; see
// OutputRedirect for that.
#pragma once

#include <string>

namespace elsewhere {

// R's main thread only.
class ConsoleCapture {
 public:
  // false when a capture is already running.
  bool begin();
  // Ends the capture and hands over what it caught.
  std::string end();
  bool is_running() const { return is_running_; }

 private:
  bool is_running_ = false;
};

}  // namespace elsewhere
