#include <initializer_list>

#include "bridge/eval/hooks.h"
#include "bridge/eval/word_table.h"

namespace elsewhere::eval {
namespace {

Hooks the_hooks;

SEXP kept(SEXP value) {
  R_PreserveObject(value);
  return value;
}

SEXP function_of(SEXP space, const char* name) {
  SEXP call = PROTECT(Rf_lang3(Rf_install("get"), PROTECT(Rf_mkString(name)), space));
  SEXP value = kept(Rf_eval(call, R_BaseEnv));
  UNPROTECT(2);
  return value;
}

// The external pointer in a registered routine's description; .Call takes it
// without looking anything up.
SEXP address_of(SEXP space, const char* name) {
  SEXP routine = PROTECT(function_of(space, name));
  SEXP call = PROTECT(Rf_lang3(Rf_install("[["), routine, PROTECT(Rf_mkString("address"))));
  SEXP value = kept(Rf_eval(call, R_BaseEnv));
  UNPROTECT(3);
  return value;
}

SEXP strict_specials() {
  SEXP names = PROTECT(words_with("strict"));
  const int count = Rf_length(names);
  SEXP list = PROTECT(Rf_allocVector(VECSXP, count));
  for (int i = 0; i < count; ++i) {
    SET_VECTOR_ELT(list, i, function_of(R_BaseEnv, CHAR(STRING_ELT(names, i))));
  }
  UNPROTECT(2);
  return kept(list);
}

}  // namespace

const Hooks& hooks() { return the_hooks; }

void init_hooks(SEXP space) {
  Hooks& h = the_hooks;
  h.space = kept(space);
  h.eval = function_of(R_BaseEnv, "eval");
  h.while_ = function_of(R_BaseEnv, "while");
  h.quote = function_of(R_BaseEnv, "quote");
  h.if_ = function_of(R_BaseEnv, "if");
  h.invisible = function_of(R_BaseEnv, "invisible");
  h.stop = function_of(R_BaseEnv, "stop");
  h.on_exit = function_of(R_BaseEnv, "on.exit");
  h.sys_on_exit = function_of(R_BaseEnv, "sys.on.exit");
  h.brace = function_of(R_BaseEnv, "{");
  h.dot_call = function_of(R_BaseEnv, ".Call");
  h.with_visible = function_of(R_BaseEnv, "withVisible");
  h.internal = function_of(R_BaseEnv, ".Internal");
  h.list = function_of(R_BaseEnv, "list");
  h.drive = address_of(space, "ew_eval_drive");
  h.left = address_of(space, "ew_eval_left");
  h.gen_resume = address_of(space, "ew_gen_resume");
  h.forced_promise = function_of(space, "forced_promise");
  h.guard = function_of(space, "eval_guard");
  h.run_calling = function_of(space, "eval_run_calling");
  h.call_handler = function_of(space, "eval_call_handler");
  h.call_restart = function_of(space, "eval_call_restart");
  h.build_error = function_of(space, "eval_build_error");
  h.run_error = function_of(space, "eval_run_error");
  h.muffle_warnings = function_of(space, "eval_muffle_warnings");
  h.muffle_messages = function_of(space, "eval_muffle_messages");
  h.try_handler = function_of(space, "eval_try_handler");
  h.as_awaitable = function_of(space, "as_awaitable");
  h.await_foreign = function_of(space, "await_foreign");
  h.schedule = function_of(space, "schedule_drain");
  h.run_reaction = function_of(space, "run_reaction");
  h.trace_leaf = function_of(space, "eval_trace_leaf");
  h.refuse_loaded = function_of(space, "eval_refuse_loaded");
  h.last_error = function_of(space, "eval_last_error");
  h.trace_about = function_of(space, "eval_trace_about");
  h.next_item = function_of(space, "eval_next_item");
  h.foreign_resolve = function_of(space, "resolve_with_foreign");
  h.unhandled = function_of(space, "watch_rejection");
  h.nested_error = function_of(space, "eval_nested_error");
  h.stream_event = function_of(space, "stream_event");
  h.clean_condition = function_of(space, "eval_clean_condition");
  h.close_abandoned = function_of(space, "close_abandoned");
  h.debug_leaf = function_of(space, "eval_debug_leaf");
  h.close_iterator = function_of(space, "eval_close_iterator");
  h.close_quietly = function_of(space, "eval_close_quietly");
  h.compile_loop = function_of(space, "eval_compile_loop");
  h.as_native = function_of(space, "fulfilled_as_native");
  h.frame_word = function_of(space, "eval_frame_word");
  h.run_task = function_of(space, "run_guarded_task");
  h.current_loop = function_of(space, "current_loop_id");
  h.is_loop = function_of(space, "is_loop_id");
  h.current_domain = function_of(space, "current_domain");
  h.capture_context = function_of(space, "capture_context");
  h.run_in_context = function_of(space, "run_in_context");
  h.run_outside = function_of(space, "run_outside_context");
  h.join_session = function_of(space, "shiny_join");
  h.leave_session = function_of(space, "shiny_leave");
  h.note_waiter = function_of(space, "shiny_note_waiter");
  h.shown_try_catch = function_of(space, "shown_try_catch");
  h.shown_finally = function_of(space, "shown_finally");
  h.shown_handler = function_of(space, "shown_handler");
  h.shown_restart = function_of(space, "shown_restart");
  h.shown_suppress_warnings = function_of(space, "shown_suppress_warnings");
  h.shown_suppress_messages = function_of(space, "shown_suppress_messages");
  h.shown_bodies = function_of(space, "shown_bodies");
  h.strict_specials = strict_specials();
}

void watch_sessions(SEXP current_session) { the_hooks.current_session = kept(current_session); }

}  // namespace elsewhere::eval
