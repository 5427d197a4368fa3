// The base context of a body: what makes an expression of the body see a real
// function frame and a real loop around it, so that return(), break, next,
// on.exit() and sys.function() mean what they mean in any R function.
//
//   eval({
//     while (goes_on) { while (drive(co)) NULL; if (goes_on) left(co) }
//     co
//   }, <environment>)
//
// A return() forced inside a callee leaves the eval; a break leaves the inner
// while; a next calls drive() again. Each of them finds the machine "in a leaf",
// which tells it from an ordinary end. A scope (local) has a layer of its own,
// the same construction in its environment.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// Runs the body until it pauses, ends or fails. That of a generator which calls
// nothing but arithmetic and the like runs without the context: nobody could tell.
// An R error that the body does not catch goes on out of here; the caller marks
// the coroutine by mark_abandoned().
void resume(const Coroutine& co, Inject inject, SEXP value);

// The first stretch of a body that is the body of a function call: `env` is the
// frame of that call, which stands in for the base context.
void resume_in_closure(const Coroutine& co);

// The coroutine whose body runs now (the innermost), or NULL. A jump out of it
// leaves this behind; entries put it back, like nested_runs (task.h).
extern SEXP running_coroutine;

// What a running body whose environment is `env` knows of its function
// (R/async-frame-words.R); NULL where none does.
SEXP frame_in(SEXP env);

// A long jump left the body for good.
void mark_abandoned(const Coroutine& co);
// The same where code that is due may pause: the body counts as paused, and its
// next run begins by leaving it in the way of `kind`. False if nothing is due.
bool leave_later(const Coroutine& co, Completion kind, SEXP value);

// The two that the base context calls: drive() runs the body; left() hears that a
// break left the inner loop, and what the guard calls (conditions.cpp, leaving.cpp).
bool drive(const Coroutine& co, int layer);
void left(const Coroutine& co, int layer);
void dispatch(const Coroutine& co, int layer, SEXP condition, SEXP frame, int block, int handler);
void restart(const Coroutine& co, int block, int index, SEXP arguments);

// The guard's frame goes away by a jump that is not the body's. Has the layer finally
// code that is due now? Code that may pause waits until the jump has arrived: that of
// a return() at the base context, any other outside of the body, which goes on from
// there (leave_later()).
bool guard_left(const Coroutine& co, int layer);
// Runs it, with the body's handlers further out around it: of an error that one of
// them catches R code has heard already, and calls again (`is_first` false). `guard`
// is the frame that is left.
void run_due(const Coroutine& co, int layer, SEXP guard, bool is_first);

// For leaving.cpp: the escape that a handler has asked for; the code of a scope.
void take_escape(const Coroutine& co);
void run_layer(const Coroutine& co, int layer);

}  // namespace elsewhere::eval
