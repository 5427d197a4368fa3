// A pool or a task of the engine in R: an external pointer whose address is its
// number. A task that R collects is abandoned. R's main thread.
#pragma once

#include <Rinternals.h>

#include <optional>

#include "bridge/main_thread.h"
#include "bridge/serialize.h"
#include "engine/engine.h"

namespace elsewhere {

// Not protected.
SEXP pool_handle(MainThread& main, PoolId pool);
SEXP task_handle(MainThread& main, TaskId task);
// Throw EngineError (Closed) for a handle of another process.
PoolId pool_from(SEXP handle);
TaskId task_from(SEXP handle);

// Nobody asks for the task any more: what it came to is freed now, not when R
// collects the handle, which names nothing from now on.
void forget_task_of(MainThread& main, SEXP handle);

// Submits and answers the task's handle, not protected; empty, and nothing is
// submitted, when `payload` may not travel.
std::optional<SEXP> submit_task(MainThread& main, PoolId pool, SEXP payload,
                                const TaskOptions& options, OnReference policy);

}  // namespace elsewhere
