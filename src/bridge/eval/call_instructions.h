// The instructions of calls whose arguments pause, and of assignments. Main thread
// alone; all of it may leave by one of R's jumps.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// `value` in the place of the topmost `count` values.
void replace_top(const Coroutine& co, int count, SEXP value);

// What `symbol` means as the head of a call. Not protected.
SEXP find_function(const Coroutine& co, SEXP symbol);
// Does the callee on top get promises, as a closure does, or values? One that gets
// neither is an error, which names it by `call`.
bool takes_promises(const Coroutine& co, SEXP call);
void call_and_replace(const Coroutine& co, SEXP call, int dropped);

void assign_outer(const Coroutine& co, SEXP symbol);
// The list of what `...` stands for.
void evaluate_dots(const Coroutine& co);
// The one side of && or ||, then the other.
void logic(const Coroutine& co, const int* operand, bool is_left);

}  // namespace elsewhere::eval
