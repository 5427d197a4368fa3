// for loops: R's rules for what may be gone through, and one step of it.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// A generator, iterator or channel: gone through item by item.
bool is_iterable_object(SEXP value);

void check_for(const Coroutine& co, int target, SEXP site);

// A loop in which nothing pauses, before it begins and before each round: R runs it,
// or the rest of it, if that is worth it, and the machine goes on at `target`.
void begin_leaf_loop(const Coroutine& co, SEXP site, int target);
void next_round(const Coroutine& co, SEXP site, int target);
void set_up_for(const Coroutine& co, int break_pc, int next_pc, bool is_owner);
// Pushes the next element of the innermost loop's plain sequence; false at the
// end.
bool step_for(const Coroutine& co);

// R's `&&` and `||` and conditions, on values.
bool condition_holds(const Coroutine& co, SEXP value, SEXP call);
SEXP logic_left(const Coroutine& co, SEXP value, bool is_or, SEXP call);
SEXP logic_right(const Coroutine& co, SEXP left, SEXP right, bool is_or, SEXP call);

}  // namespace elsewhere::eval
