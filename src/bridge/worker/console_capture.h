// What R code prints to standard output, kept in memory: cheap, because no
// descriptor moves. Output of C code and of child processes is not seen; see
// OutputRedirect for that. R has one console, so one capture runs at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace elsewhere {

// R's main thread only.
class ConsoleCapture {
 public:
  // Gets what was printed, a few lines at a time, while the capture runs.
  using Take = std::function<void(std::string_view)>;

  // false when a capture is already running, of this object or of another. With
  // `take` nothing is kept for end().
  bool begin(Take take = {});
  // Ends this object's capture and hands over what it caught.
  std::string end();
  bool is_running() const { return is_running_; }

 private:
  bool is_running_ = false;
};

// What R and C code have printed so far goes where it is to go.
void flush_streams();

}  // namespace elsewhere
