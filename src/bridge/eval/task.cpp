#include "bridge/eval/task.h"

#include "bridge/eval/base.h"
#include "bridge/eval/context.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/promise.h"
#include "bridge/eval/symbols.h"
#include "bridge/eval/waiting.h"

namespace elsewhere::eval {
namespace {

// Tasks that start tasks use C stack; beyond this depth a start is queued.
constexpr int kNestedStartsMax = 24;

SEXP promise_core(const Coroutine& co) { return core_of(co.slot(kStatePromise)); }

SEXP jump_error() {
  SEXP text =
      PROTECT(Rf_mkString("the task was left by a jump out of its code (a restart, or "
                          "quitting the browser), so it has no value"));
  SEXP value = Rf_eval(PROTECT(Rf_lang2(hooks().run_error, text)), R_BaseEnv);
  UNPROTECT(2);
  return value;
}

void subscribe(const Coroutine& co) {
  SEXP awaited = co.slot(kStateResult);
  if (!is_native_promise(awaited)) {
    SEXP call = PROTECT(Rf_lang2(hooks().as_native, awaited));
    awaited = Rf_eval(call, R_BaseEnv);
    UNPROTECT(1);
  }
  PROTECT(awaited);
  co.set(kStateAwaited, awaited);
  note_waiting(co);
  if (is_native_promise(awaited)) {
    when_settled(core_of(awaited), co.self);
  } else {
    SEXP wait = PROTECT(Rf_ScalarInteger(co.machine->wait));
    SEXP call = PROTECT(Rf_lang4(hooks().await_foreign, awaited, co.self, wait));
    Rf_eval(call, R_BaseEnv);
    UNPROTECT(2);
  }
  UNPROTECT(1);
}

void tell_stream(const Coroutine& co, const char* event, SEXP value) {
  SEXP name = PROTECT(Rf_mkString(event));
  SEXP holder = PROTECT(Rf_allocVector(VECSXP, 1));
  SET_VECTOR_ELT(holder, 0, value);
  SEXP call = PROTECT(Rf_lang4(hooks().stream_event, co.slot(kStatePromise), name, holder));
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(3);
}

void go_on_stream(const Coroutine& co) {
  const Machine& m = *co.machine;
  SEXP result = PROTECT(co.slot(kStateResult));
  if (m.status == Phase::Paused && m.pause == Pause::Await) {
    subscribe(co);
  } else if (m.status == Phase::Paused) {
    note_paused_generator(co);
    tell_stream(co, "yield", result);
  } else {
    leave_session(co);
    tell_stream(co, m.status == Phase::Done ? "close" : "reject", result);
  }
  UNPROTECT(1);
}

// Our base context is no call of the user's: an error that was raised right in
// the body says so by having no call, or that of the async function.
SEXP clean_condition(const Coroutine& co, SEXP condition) {
  SEXP call = PROTECT(Rf_lang3(hooks().clean_condition, condition, co.self));
  SEXP cleaned = Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
  return cleaned;
}

// After a run: what comes next for the task.
void go_on(const Coroutine& co) {
  const Machine& m = *co.machine;
  if (m.status == Phase::Paused) capture_context(co);
  if (m.kind == BodyKind::Stream) {
    go_on_stream(co);
    return;
  }
  SEXP result = PROTECT(co.slot(kStateResult));
  switch (m.status) {
    case Phase::Paused: subscribe(co); break;
    case Phase::Done:
      trace(co, "async: return (resolving)\n");
      // Its promise follows that one; cancel() reaches it.
      if (Rf_isObject(result) && Rf_inherits(result, "promise")) co.set(kStateAwaited, result);
      leave_session(co);
      resolve_core(promise_core(co), result, m.now.is_visible);
      trace(co, "pump: finish\n");
      break;
    case Phase::Failed:
      leave_session(co);
      result = PROTECT(clean_condition(co, result));
      trace(co, "async: stop (rejecting)\n");
      reject_core(promise_core(co), result);
      UNPROTECT(1);
      break;
    case Phase::Fresh:
    case Phase::Running: break;
  }
  UNPROTECT(1);
}

void prepare_run(const Coroutine& co, Inject inject, SEXP value) {
  forget_waiting(co);
  co.machine->next_inject = inject;
  co.set(kStateSent, value);
  co.set(kStateAwaited, R_NilValue);
}

// The first stretch runs where the task is made. R/async-await.R calls back into
// run_task().
void run_at_once(const Coroutine& co) {
  prepare_run(co, Inject::None, R_NilValue);
  SEXP call = PROTECT(Rf_lang2(hooks().run_task, co.self));
  ++nested_runs;
  Rf_eval(call, R_BaseEnv);
  --nested_runs;
  UNPROTECT(1);
}

// Any later one runs in the task's own context, whoever wakes it.
void run(const Coroutine& co, Inject inject, SEXP value) {
  prepare_run(co, inject, value);
  ++nested_runs;
  run_in_context(co, inject == Inject::Raise, value);
  --nested_runs;
}

void give_promise(const Coroutine& co, SEXP kind) {
  SEXP promise = PROTECT(new_promise_object(kind));
  co.set(kStatePromise, promise);
  set_promise_owner(core_of(promise), co.self);
  join_session(co);
  UNPROTECT(1);
}

void put_off(const Coroutine& co) {
  capture_context(co);
  queue_reaction(co.self, R_NilValue);
}

}  // namespace

int nested_runs = 0;

SEXP start_task(const Coroutine& co, SEXP kind) {
  give_promise(co, kind);
  SEXP promise = co.slot(kStatePromise);
  if (nested_runs >= kNestedStartsMax) {
    put_off(co);
  } else {
    run_at_once(co);
  }
  return promise;
}

SEXP start_task_in_closure(const Coroutine& co, SEXP kind) {
  give_promise(co, kind);
  if (nested_runs >= kNestedStartsMax) {
    put_off(co);
    return co.slot(kStatePromise);
  }
  ++nested_runs;
  resume_in_closure(co);
  --nested_runs;
  go_on(co);
  return co.slot(kStatePromise);
}

void closure_left(const Coroutine& co) {
  if (co.machine->status != Phase::Running) return;
  mark_handled(promise_core(co));  // nobody has got the promise
  task_left(co);
}

void wake_task(SEXP coroutine, SEXP core) {
  const Coroutine co = coroutine_from(coroutine);
  const Machine& m = *co.machine;
  if (core == R_NilValue) {
    if (m.status == Phase::Fresh || (m.status == Phase::Paused && m.now.is_escaping)) {
      run(co, Inject::None, R_NilValue);
    } else if (m.status == Phase::Paused && m.pause == Pause::Yield) {
      run(co, Inject::Same, R_NilValue);
    }
    return;
  }
  // A task that was cancelled waits for something else by now, or for nothing.
  const SEXP awaited = co.slot(kStateAwaited);
  if (m.status != Phase::Paused || !is_native_promise(awaited) || core_of(awaited) != core) return;
  const bool is_rejected = settled_state(core) == Settled::Rejected;
  trace(co, is_rejected ? "await: fail\n" : "await: success\n");
  run(co, is_rejected ? Inject::Raise : Inject::Value, settled_value(core));
}

void wake_task_with(SEXP coroutine, int wait, bool is_rejected, SEXP value) {
  const Coroutine co = coroutine_from(coroutine);
  if (co.machine->status != Phase::Paused || co.machine->wait != wait) return;
  trace(co, is_rejected ? "await: fail\n" : "await: success\n");
  run(co, is_rejected ? Inject::Raise : Inject::Value, value);
}

void bind_stream(const Coroutine& co, SEXP channel) {
  co.set(kStatePromise, channel);
  join_session(co);
  capture_context(co);
}

void raise_in_task(const Coroutine& co, SEXP condition) {
  if (co.machine->status == Phase::Paused) {
    run(co, Inject::Raise, condition);
  } else if (co.machine->status == Phase::Fresh) {
    co.machine->status = Phase::Failed;
    co.set(kStateResult, condition);
    go_on(co);
  }
}

void run_task(const Coroutine& co) {
  SEXP value = PROTECT(co.slot(kStateSent));
  resume(co, co.machine->next_inject, value);
  UNPROTECT(1);
}

void fail_task(const Coroutine& co, SEXP condition, SEXP frame) {
  // Also after the body has ended: what on.exit() has registered runs then.
  Machine& m = *co.machine;
  if (m.status != Phase::Running && m.status != Phase::Done) return;
  co.set(kStateEscape, condition);
  if (m.status == Phase::Running) m.error_pc = m.pc;
  m.now.is_escaping = true;
  // An interrupt goes on to the top level; the task fails with it on the way.
  if (!Rf_inherits(condition, "interrupt")) Rf_eval(Rf_lang1(symbols().return_), frame);
}

void task_left(const Coroutine& co) {
  Machine& m = *co.machine;
  if (m.status == Phase::Running || (m.status == Phase::Done && m.now.is_escaping)) {
    m.status = Phase::Running;
    SEXP condition = PROTECT(m.now.is_escaping ? co.slot(kStateEscape) : jump_error());
    if (leave_later(co, Completion::Reject, condition)) {
      note_waiting(co);
      put_off(co);
      UNPROTECT(1);
      return;
    }
    mark_abandoned(co);
    co.set(kStateResult, condition);
    trace(co, "pump: stop\n");
    UNPROTECT(1);
  }
  go_on(co);
}

}  // namespace elsewhere::eval
