// What R/async.R, R/async-generator.R and R/async-promise.R call of the evaluator, and what
// the evaluator's own base context calls (drive, left).
#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/eval/base.h"
#include "bridge/eval/compile.h"
#include "bridge/eval/generator.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/hot_loops.h"
#include "bridge/eval/layer_guard.h"
#include "bridge/eval/loop_queues.h"
#include "bridge/eval/promise.h"
#include "bridge/eval/symbols.h"
#include "bridge/eval/task.h"
#include "bridge/eval/waiting.h"
#include "bridge/eval/word_table.h"
#include "bridge/guard.h"
#include "bridge/r_api.h"

namespace elsewhere::eval {

namespace {

struct RunningKept {
  const int runs_before = nested_runs;
  const SEXP before = running_coroutine;
  ~RunningKept() {
    nested_runs = runs_before;
    running_coroutine = before;
  }
};

// One door and one unwind-protect an entry; nothing with a destructor inside.
template <class Body>
SEXP evaluate(Body&& body) {
  return guard([&](MainThread& main) {
    const RunningKept kept;
    return r_call(main, body);
  });
}

constexpr int kDrainMax = 1000;

}  // namespace

extern "C" SEXP ew_eval_init(SEXP space) {
  return evaluate([&] {
    init_symbols();
    init_word_table();
    init_hooks(space);
    // Stands for "no further item" between R and the evaluator.
    return R_MakeExternalPtr(nullptr, Rf_install("no item"), R_NilValue);
  });
}

extern "C" SEXP ew_eval_drive(SEXP coroutine, SEXP layer) {
  // No door of its own: it runs inside the one of the resume, holds nothing with
  // a destructor, and is called at every step.
  return Rf_ScalarLogical(drive(coroutine_from(coroutine), INTEGER(layer)[0]));
}

// No door of its own either, for the same reasons.
extern "C" SEXP ew_eval_run_shown(SEXP coroutine, SEXP layer, SEXP frame, SEXP has_handler) {
  return run_shown(coroutine_from(coroutine), Rf_asInteger(layer), frame,
                   Rf_asLogical(has_handler) == 1);
}

extern "C" SEXP ew_eval_take_sequence() { return take_sequence(); }

extern "C" SEXP ew_eval_compile_loops_after(SEXP rounds) {
  return evaluate([&] { return Rf_ScalarInteger(compile_loops_after(Rf_asInteger(rounds))); });
}

extern "C" SEXP ew_eval_left(SEXP coroutine, SEXP layer) {
  return evaluate([&] {
    left(coroutine_from(coroutine), Rf_asInteger(layer));
    return R_NilValue;
  });
}

extern "C" SEXP ew_eval_dispatch(SEXP coroutine, SEXP layer, SEXP condition, SEXP frame,
                                 SEXP position) {
  return evaluate([&] {
    const bool is_first = position == R_NilValue;
    dispatch(coroutine_from(coroutine), Rf_asInteger(layer), condition, frame,
             is_first ? -1 : INTEGER(position)[1], is_first ? 0 : INTEGER(position)[2]);
    return R_NilValue;
  });
}

extern "C" SEXP ew_eval_guard_left(SEXP coroutine, SEXP layer) {
  return evaluate(
      [&] { return Rf_ScalarLogical(guard_left(coroutine_from(coroutine), Rf_asInteger(layer))); });
}

extern "C" SEXP ew_eval_run_due(SEXP coroutine, SEXP layer, SEXP guard_frame, SEXP is_first) {
  return evaluate([&] {
    run_due(coroutine_from(coroutine), Rf_asInteger(layer), guard_frame,
            Rf_asLogical(is_first) == 1);
    return R_NilValue;
  });
}

extern "C" SEXP ew_eval_restart(SEXP coroutine, SEXP block, SEXP index, SEXP arguments) {
  return evaluate([&] {
    restart(coroutine_from(coroutine), Rf_asInteger(block), Rf_asInteger(index), arguments);
    return R_NilValue;
  });
}

extern "C" SEXP ew_eval_compile(SEXP expr, SEXP env, SEXP kind, SEXP strict_pipes) {
  return evaluate([&] {
    return compile_body(
        expr, env, {static_cast<BodyKind>(Rf_asInteger(kind)), Rf_asLogical(strict_pipes) == 1});
  });
}

// Whether code written in the place of `expr` would pause.
extern "C" SEXP ew_eval_pauses(SEXP expr) {
  return evaluate([&] { return Rf_ScalarLogical(would_pause(expr)); });
}

// The words that have this role (word_table.h).
extern "C" SEXP ew_eval_words(SEXP role) {
  return evaluate([&] { return words_with(CHAR(STRING_ELT(role, 0))); });
}

extern "C" SEXP ew_eval_frame_words(SEXP expr, SEXP env) {
  return evaluate([&] { return with_frame_words(expr, env); });
}

extern "C" SEXP ew_eval_new(SEXP program, SEXP env, SEXP kind, SEXP trace, SEXP call, SEXP frame) {
  return evaluate([&] {
    return new_coroutine(program, env, static_cast<BodyKind>(Rf_asInteger(kind)), trace, call,
                         frame);
  });
}

// What a running body whose environment is `env` was given as `frame`, or NULL.
extern "C" SEXP ew_eval_frame(SEXP env) {
  return evaluate([&] { return frame_in(env); });
}

namespace {

// A jump leaves the body. What that runs may jump itself, by the same token, so R's
// note of where to go on is kept apart: this is the token to go on with. It stays
// protected until R gets there.
template <class Left>
SEXP run_as_left(MainThread& main, SEXP token, Left&& body_left) {
  token = r_call(main, [&] {
    SEXP kept = PROTECT(Rf_cons(CAR(token), R_NilValue));
    SETCDR(kept, Rf_duplicate(CDR(token)));
    body_left(kept);
    UNPROTECT(1);
    return kept;
  });
  return PROTECT(token);
}

SEXP resume_generator(SEXP coroutine, Inject inject, SEXP value) {
  bool has_begun = false;
  const SEXP traceback_before = last_traceback();
  return guard([&](MainThread& main) {
    const RunningKept kept;
    try {
      return r_call(main, [&] {
        const Coroutine co = coroutine_from(coroutine);
        if (is_running_generator(co)) {
          Rf_error("Generator already running: it cannot ask itself for a value");
        }
        has_begun = true;
        return ask_generator(co, inject, value);
      });
    } catch (const cpp11::unwind_exception& unwinding) {
      if (!has_begun) throw;  // the error was about asking it
      throw cpp11::unwind_exception(run_as_left(main, unwinding.token, [&](SEXP token) {
        abandon_generator(coroutine_from(coroutine), token, traceback_before);
      }));
    }
  });
}

}  // namespace

// The next value of a generator, or the coroutine itself when there is none.
// `inject`: 1 = yield() gives `value`, 2 = it gives what was yielded, 3 = it
// raises `value`, 4 = the body is left from there, as by return().
extern "C" SEXP ew_gen_resume(SEXP coroutine, SEXP inject, SEXP value) {
  return resume_generator(coroutine, static_cast<Inject>(INTEGER(inject)[0]), value);
}

// The same for the function that a generator is, called by .External2, which
// gives the frame for nothing: `or` and `send` are the function's arguments.
extern "C" SEXP ew_gen_ask(SEXP, SEXP, SEXP arguments, SEXP frame) {
  const SEXP coroutine = CADR(arguments);
  static const SEXP send = Rf_install("send");
  static const SEXP or_symbol = Rf_install("or");
  const Slot sent = slot_in(frame, send);
  const bool is_plain = sent.value == R_MissingArg;
  // What is sent goes as a promise: the body evaluates it (machine.h, arrive()).
  const auto as_promise = [&] {
    return sent.kind == Slot::Kind::Delayed ? promise_in(frame, send) : sent.value;
  };
  const SEXP value = is_plain ? resume_generator(coroutine, Inject::Same, R_NilValue)
                              : resume_generator(coroutine, Inject::Value, as_promise());
  return value == coroutine ? Rf_eval(or_symbol, frame) : value;
}

extern "C" SEXP ew_eval_state(SEXP coroutine) {
  return evaluate([&] {
    const Coroutine co = coroutine_from(coroutine);
    static const char* const names[] = {"status", "env",   "source", "awaited", "result", "promise",
                                        "pause",  "kind",  "call",   "line",    "site",   "since",
                                        "failed", "debug", "trace",  "visible", ""};
    SEXP out = PROTECT(Rf_mkNamed(VECSXP, const_cast<const char**>(names)));
    SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(static_cast<int>(co.machine->status)));
    SET_VECTOR_ELT(out, 1, co.slot(kStateEnv));
    SET_VECTOR_ELT(out, 2, VECTOR_ELT(co.slot(kStateProgram), kProgramSource));
    SET_VECTOR_ELT(out, 3, co.slot(kStateAwaited));
    SET_VECTOR_ELT(out, 4, co.slot(kStateResult));
    SET_VECTOR_ELT(out, 5, co.slot(kStatePromise));
    SET_VECTOR_ELT(out, 7, Rf_ScalarInteger(static_cast<int>(co.machine->kind)));
    SET_VECTOR_ELT(out, 8, co.slot(kStateCall));
    SET_VECTOR_ELT(out, 6, Rf_ScalarInteger(static_cast<int>(co.machine->pause)));
    const bool is_paused = co.machine->status == Phase::Paused;
    SET_VECTOR_ELT(out, 9, source_position(co, co.machine->pc));
    SET_VECTOR_ELT(out, 10, is_paused ? pausing_call(co) : R_NilValue);
    SET_VECTOR_ELT(out, 11, Rf_ScalarReal(co.machine->since));
    if (co.machine->error_pc >= 0) {
      SET_VECTOR_ELT(out, 12, source_position(co, co.machine->error_pc));
    }
    SET_VECTOR_ELT(out, 15, Rf_ScalarLogical(co.machine->now.is_visible));
    SET_VECTOR_ELT(out, 14, co.slot(kStateTrace));
    SET_VECTOR_ELT(out, 13, Rf_ScalarLogical(co.machine->options.is_debugged));
    UNPROTECT(1);
    return out;
  });
}

// `trace`: a function, or NULL.
extern "C" SEXP ew_eval_debug(SEXP coroutine, SEXP is_debugged, SEXP trace) {
  return evaluate([&] {
    const Coroutine co = coroutine_from(coroutine);
    co.machine->options.is_debugged = Rf_asLogical(is_debugged) == 1;
    co.machine->options.is_traced = trace != R_NilValue;
    co.set(kStateTrace, trace);
    return R_NilValue;
  });
}

extern "C" SEXP ew_async_waiting() {
  return evaluate([&] { return waiting_coroutines(); });
}

extern "C" SEXP ew_promise_mark_handled(SEXP promise) {
  return evaluate([&] {
    mark_handled(core_of(promise));
    return R_NilValue;
  });
}

extern "C" SEXP ew_async_start(SEXP coroutine, SEXP kind) {
  return evaluate([&] { return start_task(coroutine_from(coroutine), kind); });
}

extern "C" SEXP ew_async_start_in_closure(SEXP coroutine, SEXP kind) {
  return guard([&](MainThread& main) {
    const RunningKept kept;
    try {
      return r_call(main, [&] { return start_task_in_closure(coroutine_from(coroutine), kind); });
    } catch (const cpp11::unwind_exception& unwinding) {
      throw cpp11::unwind_exception(run_as_left(
          main, unwinding.token, [&](SEXP) { closure_left(coroutine_from(coroutine)); }));
    }
  });
}

extern "C" SEXP ew_async_run(SEXP coroutine) {
  return evaluate([&] {
    run_task(coroutine_from(coroutine));
    return R_NilValue;
  });
}

extern "C" SEXP ew_async_fail(SEXP coroutine, SEXP condition, SEXP frame) {
  return evaluate([&] {
    fail_task(coroutine_from(coroutine), condition, frame);
    return R_NilValue;
  });
}

extern "C" SEXP ew_async_left(SEXP coroutine) {
  return evaluate([&] {
    task_left(coroutine_from(coroutine));
    return R_NilValue;
  });
}

extern "C" SEXP ew_async_wake(SEXP coroutine, SEXP wait, SEXP is_rejected, SEXP value) {
  return evaluate([&] {
    wake_task_with(coroutine, Rf_asInteger(wait), Rf_asLogical(is_rejected) == 1, value);
    return R_NilValue;
  });
}

// A stream: `channel` hears of its values; it runs when ew_async_queue() asks.
extern "C" SEXP ew_stream_bind(SEXP coroutine, SEXP channel) {
  return evaluate([&] {
    bind_stream(coroutine_from(coroutine), channel);
    return R_NilValue;
  });
}

// Runs a stream that has not begun up to its first pause.
extern "C" SEXP ew_stream_start(SEXP coroutine) {
  return evaluate([&] {
    wake_task(coroutine, R_NilValue);
    return R_NilValue;
  });
}

extern "C" SEXP ew_async_queue(SEXP coroutine) {
  return evaluate([&] {
    queue_reaction(coroutine, R_NilValue);
    return R_NilValue;
  });
}

extern "C" SEXP ew_async_raise(SEXP coroutine, SEXP condition) {
  return evaluate([&] {
    raise_in_task(coroutine_from(coroutine), condition);
    return R_NilValue;
  });
}

extern "C" SEXP ew_promise_set_owner(SEXP promise, SEXP owner) {
  return evaluate([&] {
    set_promise_owner(core_of(promise), owner);
    return R_NilValue;
  });
}

extern "C" SEXP ew_promise_new(SEXP kind) {
  return evaluate([&] { return new_promise_object(kind); });
}

extern "C" SEXP ew_promise_resolve(SEXP promise, SEXP value, SEXP is_visible) {
  return evaluate([&] {
    resolve_core(core_of(promise), value, Rf_asLogical(is_visible) == 1);
    return R_NilValue;
  });
}

extern "C" SEXP ew_promise_follow(SEXP promise, SEXP is_fulfilled, SEXP value, SEXP is_visible) {
  return evaluate([&] {
    follow_core(core_of(promise), Rf_asLogical(is_fulfilled) == 1, value,
                Rf_asLogical(is_visible) == 1);
    return R_NilValue;
  });
}

extern "C" SEXP ew_promise_reject(SEXP promise, SEXP reason) {
  return evaluate([&] {
    reject_core(core_of(promise), reason);
    return R_NilValue;
  });
}

extern "C" SEXP ew_promise_when_settled(SEXP promise, SEXP reaction) {
  return evaluate([&] {
    when_settled(core_of(promise), reaction);
    return R_NilValue;
  });
}

extern "C" SEXP ew_promise_state(SEXP promise) {
  return evaluate([&] {
    SEXP core = core_of(promise);
    static const char* const names[] = {"status", "value",   "visible", "handled",
                                        "owner",  "waiters", ""};
    SEXP out = PROTECT(Rf_mkNamed(VECSXP, const_cast<const char**>(names)));
    SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(static_cast<int>(settled_state(core))));
    SET_VECTOR_ELT(out, 1, settled_value(core));
    SET_VECTOR_ELT(out, 2, Rf_ScalarLogical(settled_visible(core)));
    SET_VECTOR_ELT(out, 3, Rf_ScalarLogical(is_handled(core)));
    SET_VECTOR_ELT(out, 4, promise_owner(core));
    SET_VECTOR_ELT(out, 5, Rf_ScalarInteger(reaction_count(core)));
    UNPROTECT(1);
    return out;
  });
}

extern "C" SEXP ew_promise_drain(SEXP loop) {
  return evaluate([&] {
    drain(Rf_asInteger(loop), kDrainMax);
    return R_NilValue;
  });
}

extern "C" SEXP ew_promise_schedule(SEXP loop) {
  return evaluate([&] {
    schedule_drain(Rf_asInteger(loop));
    return R_NilValue;
  });
}

// `current` is function(): Shiny is loaded, and says whose session runs.
extern "C" SEXP ew_async_watch_sessions(SEXP current) {
  return evaluate([&] {
    watch_sessions(current);
    return R_NilValue;
  });
}

}  // namespace elsewhere::eval
