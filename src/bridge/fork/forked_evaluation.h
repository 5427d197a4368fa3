// A task that evaluates a function in a fork of this R process, and how R asks
// for it: the same answers as for a pool's task. R's main thread.
#pragma once

#include <Rinternals.h>

#include <functional>
#include <memory>
#include <vector>

#include "bridge/main_thread.h"
#include "engine/tasks/forked_task.h"

namespace elsewhere {

// Forks; the child calls `function`, which answers by reply_from_fork(). An
// external pointer of its own kind, not protected.
SEXP start_fork(MainThread& main, SEXP function, const ForkedTask::Options& options);

// A task of any kind that somebody holds, in an external pointer, not protected.
SEXP hold_task(MainThread& main, const std::function<std::unique_ptr<HeldTask>()>& start);

// The task behind such an external pointer; null if it is one of a pool. Throws
// EngineError (Closed) when it belongs to another process.
HeldTask* held_task(SEXP handle);

// In the child: makes `value` the task's value, or the reason why it has none.
void reply_from_fork(MainThread& main, SEXP value, bool refuses_references);
// In the child: sends a condition now. false in any other process.
bool emit_from_fork(MainThread& main, SEXP condition);

// One of these can be read when one of `tasks` has something to look at.
std::vector<int> descriptors_of(const std::vector<HeldTask*>& tasks);

}  // namespace elsewhere
