// Promises of our own (the asynchronous kind: a result that is not there yet).
// An R list of one external pointer, its "core", with class "promise"; the rest
// of the promises interface is in R/async-promise.R.
//
// A reaction is what happens when a promise settles: a coroutine to resume,
// another core to settle alike, or an R list of callbacks. Reactions never run
// at once: they are queued (loop_queues.h).
// Main thread only, inside r_call().
#pragma once

#include <Rinternals.h>

#include <cstdint>

namespace elsewhere::eval {

enum class Settled : std::intptr_t { Pending = 1, Fulfilled = 2, Rejected = 3 };

bool is_native_promise(SEXP value);
// `kind` is the class attribute. Not protected.
SEXP new_promise_object(SEXP kind);
SEXP core_of(SEXP promise);

Settled settled_state(SEXP core);
SEXP settled_value(SEXP core);
bool settled_visible(SEXP core);
bool is_handled(SEXP core);
void mark_handled(SEXP core);
// What stands behind the promise: the coroutine of an async task, or NULL.
SEXP promise_owner(SEXP core);
void set_promise_owner(SEXP core, SEXP owner);
int reaction_count(SEXP core);

// Settles with `value`, or like it, if it is a promise itself. Later calls on
// the same core do nothing.
void resolve_core(SEXP core, SEXP value, bool is_visible);
void reject_core(SEXP core, SEXP reason);
// What a promise of another package, which the core was resolved with, came to.
void follow_core(SEXP core, bool is_fulfilled, SEXP value, bool is_visible);
void when_settled(SEXP core, SEXP reaction);

// Queues a reaction; `core` may be NULL (a coroutine's start).
void queue_reaction(SEXP reaction, SEXP core);
// Runs one whose turn it is.
void run_reaction(SEXP reaction, SEXP core);

}  // namespace elsewhere::eval
