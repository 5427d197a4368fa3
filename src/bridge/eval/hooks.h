// The R functions and objects the evaluator calls, taken once from the package's
// namespace by init_hooks(). Main thread; they live as long as R.
#pragma once

#include <Rinternals.h>

namespace elsewhere::eval {

struct Hooks {
  SEXP space;  // the namespace
  SEXP eval;   // base::eval, as closure
  SEXP while_, quote, if_, invisible, stop, register_exit, sys_on_exit, list, brace, dot_call,
      with_visible, internal;  // base functions
  SEXP drive, left;            // native symbols for the base context's .Call
  SEXP gen_resume;
  SEXP forced_promise;  // function(...): the frame with `..1` forced
  SEXP guard, run_calling, call_handler, call_restart, build_error, run_error, muffle_warnings,
      muffle_messages, try_handler, as_awaitable, await_foreign, schedule, run_reaction, trace_leaf,
      last_error, refuse_loaded, trace_about, next_item, unhandled, foreign_resolve, run_task,
      nested_error, stream_event, clean_condition, close_abandoned, debug_leaf, frame_word,
      close_iterator, close_quietly, as_native, compile_loop;
  SEXP current_loop, is_loop, current_domain, capture_context, run_in_context, run_outside,
      join_session, leave_session, note_waiter;  // R/async-context.R, R/async-shiny.R
  SEXP current_session;                          // nullptr until Shiny is loaded
  // The calls that R has around code in tryCatch() and its kin (R/async-shown-calls.R).
  SEXP shown_try_catch, shown_finally, shown_handler, shown_restart, shown_suppress_warnings,
      shown_suppress_messages;
  SEXP shown_bodies;     // list, a call a kind of body
  SEXP strict_specials;  // list of SPECIAL primitives that evaluate their arguments
};

const Hooks& hooks();
void init_hooks(SEXP space);
// Shiny is loaded: function() gives the session whose code runs, or NULL.
void watch_sessions(SEXP current_session);

}  // namespace elsewhere::eval
