// An async task: a coroutine with a promise. It runs at once up to its first
// await(), and goes on when what it awaits has settled. Main thread only, inside
// r_call().
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// Runs the first stretch of a task and gives its promise (not protected). Where
// tasks start tasks very deeply, the start itself is queued.
SEXP start_task(const Coroutine& co, SEXP kind);
// The same for a task that is the body of the function whose frame is running.
SEXP start_task_in_closure(const Coroutine& co, SEXP kind);

// What the task awaited has settled (`core`), or it is to start (core NULL).
void wake_task(SEXP coroutine, SEXP core);
// The same for a promise that is not ours. `wait` tells an outdated call.
void wake_task_with(SEXP coroutine, int wait, bool is_rejected, SEXP value);

// A stream begins: `channel` hears of its values.
void bind_stream(const Coroutine& co, SEXP channel);

// Raises a condition where the task waits (cancel()).
void raise_in_task(const Coroutine& co, SEXP condition);

// Called by R/async.R, inside its guard around one run of the task.
void run_task(const Coroutine& co);
// An error that nothing in the body caught. Does not return.
void fail_task(const Coroutine& co, SEXP condition, SEXP frame);
// That guard's frame goes away, however.
void task_left(const Coroutine& co);
// The same for a task that has begun in the frame of its function: a jump has left
// that call, so that nobody holds its promise.
void closure_left(const Coroutine& co);

// Tasks now running inside each other. A jump skips the count's end; entries put
// it back.
extern int nested_runs;

}  // namespace elsewhere::eval
