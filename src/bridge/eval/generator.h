// Asking a generator for its next value. A generator that goes through another
// one by yieldFrom() steps aside: the values come straight from the innermost
// one, so a chain of any depth costs the same, and no C stack. Main thread only.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// The coroutine of a generator object, or NULL for any other value.
SEXP generator_coroutine(SEXP value);

// May `co`, in yieldFrom(source), step aside? Only where nothing of it has to
// happen when the source fails: no handlers, no finally, no on.exit().
bool may_delegate(const Coroutine& co, SEXP source);

// The next value; the coroutine itself when there is none. Errors of the body go
// out of here; the caller then calls abandon_generator().
SEXP ask_generator(const Coroutine& co, Inject inject, SEXP value);
// It also keeps the error, as far as the jump's `token` and the last traceback
// before it tell.
void abandon_generator(const Coroutine& co, SEXP token, SEXP traceback_before);
SEXP last_traceback();
// Is the one that would be asked running?
bool is_running_generator(const Coroutine& co);

}  // namespace elsewhere::eval
