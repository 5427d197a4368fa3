// Where the code of a task runs: in the promise domain that was current when it
// paused (Shiny's reactive context, a graphics device, a trace), and for the user
// of Shiny it was made for. Never in those of whoever happens to wake it.
// Main thread only, inside r_call().
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// At a pause, or where a start is put off: remembers what is current.
void capture_context(const Coroutine& co);

// Runs the task's next stretch in what was remembered. `value` is what it hears.
void run_in_context(const Coroutine& co, bool is_rejected, SEXP value);

// A task begins or ends: it is cancelled when the session of its user ends.
void join_session(const Coroutine& co);
void leave_session(const Coroutine& co);
// Somebody waits for the promise of `owner` (what stands behind it, any value). A
// task that others than its own user wait for is not that user's any more.
void note_waiter(SEXP owner);

}  // namespace elsewhere::eval
