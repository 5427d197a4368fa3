// Signals: their numbers, and what this process does with those that it gets.
#pragma once

#include "engine/base/result.h"
#include "engine/os/wakeup.h"

namespace elsewhere {

// The numbers that every system gives them: they travel between machines.
inline constexpr int kInterruptSignal = 2;
inline constexpr int kKillSignal = 9;
inline constexpr int kTerminateSignal = 15;

// Each of these is for the whole process, and for its forks.

// Writing where nobody reads any more is an error, and ends nothing.
void ignore_broken_pipes();
// A crash ends the process at once, whatever was to be done at it.
void crash_without_handlers();
// A request to terminate raises `flag`, which lives as long as the process, and the
// thread that it interrupts stands still until somebody ends the process. A fork of
// this process ends as if nobody had asked for this.
Status hold_termination(Wakeup& flag);
// Ends this process as a request to terminate does that nobody holds.
[[noreturn]] void end_by_termination();

}  // namespace elsewhere
