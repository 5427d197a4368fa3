// Waiting for tasks of any kind: those of a pool, of which the engine knows, and
// forks, which are looked at from here. R's main thread; interruptible at once.
#pragma once

#include <Rinternals.h>

#include <chrono>
#include <optional>
#include <vector>

#include "bridge/main_thread.h"
#include "engine/engine.h"
#include "engine/tasks/forked_task.h"

namespace elsewhere {

struct AwaitedTasks {
  std::vector<TaskId> pooled;
  std::vector<ForkedTask*> forked;
  WaitFor what = WaitFor::All;
  WaitEvents on_event = WaitEvents::Ignore;
};

// No limit waits for ever. Throws what R does on Ctrl-C.
WaitEnd wait_for_tasks(MainThread& main, const AwaitedTasks& tasks,
                       std::optional<std::chrono::milliseconds> limit);

}  // namespace elsewhere
