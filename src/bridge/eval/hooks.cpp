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

struct Wanted {
  SEXP Hooks::*place;
  const char* name;
};

// Functions of base R.
constexpr Wanted kOfBase[] = {
    {&Hooks::eval, "eval"},
    {&Hooks::while_, "while"},
    {&Hooks::quote, "quote"},
    {&Hooks::if_, "if"},
    {&Hooks::invisible, "invisible"},
    {&Hooks::stop, "stop"},
    {&Hooks::register_exit, "on.exit"},
    {&Hooks::sys_on_exit, "sys.on.exit"},
    {&Hooks::brace, "{"},
    {&Hooks::dot_call, ".Call"},
    {&Hooks::with_visible, "withVisible"},
    {&Hooks::internal, ".Internal"},
    {&Hooks::list, "list"},
};

// Functions and objects of the package.
constexpr Wanted kOurs[] = {
    {&Hooks::forced_promise, "forced_promise"},
    {&Hooks::guard, "eval_guard"},
    {&Hooks::run_calling, "eval_run_calling"},
    {&Hooks::call_handler, "eval_call_handler"},
    {&Hooks::call_restart, "eval_call_restart"},
    {&Hooks::build_error, "eval_build_error"},
    {&Hooks::run_error, "eval_run_error"},
    {&Hooks::muffle_warnings, "eval_muffle_warnings"},
    {&Hooks::muffle_messages, "eval_muffle_messages"},
    {&Hooks::try_handler, "eval_try_handler"},
    {&Hooks::as_awaitable, "as_awaitable"},
    {&Hooks::await_foreign, "await_foreign"},
    {&Hooks::schedule, "schedule_drain"},
    {&Hooks::run_reaction, "run_reaction"},
    {&Hooks::trace_leaf, "eval_trace_leaf"},
    {&Hooks::refuse_loaded, "eval_refuse_loaded"},
    {&Hooks::last_error, "eval_last_error"},
    {&Hooks::trace_about, "eval_trace_about"},
    {&Hooks::next_item, "eval_next_item"},
    {&Hooks::foreign_resolve, "resolve_with_foreign"},
    {&Hooks::unhandled, "watch_rejection"},
    {&Hooks::nested_error, "eval_nested_error"},
    {&Hooks::stream_event, "stream_event"},
    {&Hooks::clean_condition, "eval_clean_condition"},
    {&Hooks::close_abandoned, "close_abandoned"},
    {&Hooks::debug_leaf, "eval_debug_leaf"},
    {&Hooks::close_iterator, "eval_close_iterator"},
    {&Hooks::close_quietly, "eval_close_quietly"},
    {&Hooks::compile_loop, "eval_compile_loop"},
    {&Hooks::as_native, "fulfilled_as_native"},
    {&Hooks::frame_word, "eval_frame_word"},
    {&Hooks::run_task, "run_guarded_task"},
    {&Hooks::current_loop, "current_loop_id"},
    {&Hooks::is_loop, "is_loop_id"},
    {&Hooks::current_domain, "current_domain"},
    {&Hooks::capture_context, "capture_context"},
    {&Hooks::run_in_context, "run_in_context"},
    {&Hooks::run_outside, "run_outside_context"},
    {&Hooks::join_session, "shiny_join"},
    {&Hooks::leave_session, "shiny_leave"},
    {&Hooks::note_waiter, "shiny_note_waiter"},
    {&Hooks::shown_try_catch, "shown_try_catch"},
    {&Hooks::shown_finally, "shown_finally"},
    {&Hooks::shown_handler, "shown_handler"},
    {&Hooks::shown_restart, "shown_restart"},
    {&Hooks::shown_suppress_warnings, "shown_suppress_warnings"},
    {&Hooks::shown_suppress_messages, "shown_suppress_messages"},
    {&Hooks::shown_bodies, "shown_bodies"},
};

// Entries that R calls.
constexpr Wanted kEntries[] = {
    {&Hooks::drive, "ew_eval_drive"},
    {&Hooks::left, "ew_eval_left"},
    {&Hooks::gen_resume, "ew_gen_resume"},
};

}  // namespace

const Hooks& hooks() { return the_hooks; }

void init_hooks(SEXP space) {
  Hooks& h = the_hooks;
  h.space = kept(space);
  for (const auto& [place, name] : kOfBase) h.*place = function_of(R_BaseEnv, name);
  for (const auto& [place, name] : kOurs) h.*place = function_of(space, name);
  for (const auto& [place, name] : kEntries) h.*place = address_of(space, name);
  h.strict_specials = strict_specials();
}

void watch_sessions(SEXP current_session) { the_hooks.current_session = kept(current_session); }

}  // namespace elsewhere::eval
