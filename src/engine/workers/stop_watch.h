// A process that somebody has stopped (SIGSTOP) answers nothing, not even an
// interrupt. What is stopped at so many looks in a row, a second apart, is given
// up; a short stop, or one of this whole process, does not count up.
#pragma once

#include <chrono>

#include "engine/os/process_facts.h"

namespace elsewhere {

class StopWatch {
 public:
  static constexpr int kLooksMax = 10;
  static constexpr std::chrono::milliseconds kPause{1000};

  // To be asked as often as it suits; looks at most once in each pause. true once
  // the process is to be given up.
  bool is_over(Pid pid) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_look_) {
      next_look_ = now + kPause;
      looks_ = is_stopped(pid) ? looks_ + 1 : 0;
    }
    return looks_ >= kLooksMax;
  }

 private:
  std::chrono::steady_clock::time_point next_look_ = std::chrono::steady_clock::now() + kPause;
  int looks_ = 0;
};

inline constexpr const char* kStoppedWords =
    "was stopped by a signal and did not continue within 10 seconds";

}  // namespace elsewhere
