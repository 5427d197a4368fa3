// Waiting for tasks of any kind: those of a pool, of which the engine knows, and
// forks, which are looked at from here. R's main thread; interruptible at once.
#pragma once

#include <Rinternals.h>

#include <chrono>
#include <optional>
#include <vector>

#include "bridge/main_thread.h"
#include "engine/engine.h"
#include "engine/tasks/held_task.h"

namespace elsewhere {

struct AwaitedTasks {
  std::vector<TaskId> pooled;
  std::vector<HeldTask*> forked;
  std::size_t enough = 1;  // how many must have settled
  WaitEvents on_event = WaitEvents::Ignore;
};

// No limit waits for ever. Throws what R does on Ctrl-C.
WaitEnd wait_for_tasks(MainThread& main, AwaitedTasks wanted,
                       std::optional<std::chrono::milliseconds> limit);

}  // namespace elsewhere
