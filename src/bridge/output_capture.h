// What R code prints to standard output, kept in memory: a sink into a connection of
// our own, which R's API offers for this. Output of C code and of child processes is
// not seen; see OutputRedirect for that. One capture runs at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "bridge/main_thread.h"

namespace elsewhere {

// R's main thread only.
class OutputCapture {
 public:
  // Gets what was printed, a few lines at a time, while the capture runs. Called where
  // R prints: it must call nothing of R.
  using Take = std::function<void(std::string_view)>;

  // Where no sink is in place. false when a capture is already running, of this object
  // or of another. With `take` nothing is kept for end().
  bool begin(MainThread& main, Take take = {});
  // Ends this object's capture, takes away sinks that have been put on top of it, and
  // hands over what it caught.
  std::string end(MainThread& main);

 private:
  bool is_running_ = false;
};

// What C code has printed so far goes where it is to go.
void flush_streams();

}  // namespace elsewhere
