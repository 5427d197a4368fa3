#include "bridge/eval/generator.h"

#include "bridge/eval/base.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/waiting.h"
#include "bridge/r_api.h"

namespace elsewhere::eval {
namespace {

bool has_ended(const Coroutine& co) {
  return co.machine->status == Phase::Done || co.machine->status == Phase::Failed;
}

bool has_on_exit(const Coroutine& co) {
  SEXP call = PROTECT(Rf_lang1(hooks().sys_on_exit));
  const bool has = Rf_eval(call, co.slot(kStateEnv)) != R_NilValue;
  UNPROTECT(1);
  return has;
}

Coroutine tip_of(const Coroutine& co) {
  SEXP tip = co.slot(kStateTip);
  return tip == R_NilValue ? co : coroutine_from(tip);
}

// The child takes over from `tip`, with whoever it has stepped aside for.
Coroutine descend(const Coroutine& root, const Coroutine& tip) {
  SEXP child = tip.slot(kStateDelegate);
  tip.set(kStateDelegate, R_NilValue);
  const Coroutine next = coroutine_from(child);
  next.set(kStateParent, tip.self);
  const Coroutine innermost = tip_of(next);
  next.set(kStateTip, R_NilValue);
  root.set(kStateTip, innermost.self);
  return innermost;
}

// The tip has ended; its parent goes on.
Coroutine ascend(const Coroutine& root, const Coroutine& tip) {
  const Coroutine parent = coroutine_from(tip.slot(kStateParent));
  tip.set(kStateParent, R_NilValue);
  root.set(kStateTip, parent.self == root.self ? R_NilValue : parent.self);
  return parent;
}

void refuse_running(const Coroutine& co) {
  if (co.machine->status == Phase::Running) {
    Rf_error("Generator already running: it cannot ask itself for a value");
  }
}

// A body whose `finally` or on.exit() paused on the way out of an error has left
// R's frames; now that it has ended, the error goes on.
void run_on(const Coroutine& co, Inject inject, SEXP value) {
  resume(co, inject, value);
  if (co.machine->status != Phase::Failed) return;
  SEXP call = PROTECT(Rf_lang2(hooks().stop, co.slot(kStateResult)));
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
}

// What a jump brings along: the condition that tryCatch() has caught (nullptr, and
// R's message, if the error was raised in C), that of a handler that returns it, or
// nothing; an error that nobody caught has left a traceback. NULL if it was no error,
// or cannot be told. Only for print() and summary(). Not protected.
SEXP error_of_jump(SEXP brought, SEXP traceback_before) {
  if (Rf_inherits(brought, "error")) return brought;
  const bool is_caught =
      TYPEOF(brought) == VECSXP && Rf_length(brought) >= 3 && Rf_isFunction(VECTOR_ELT(brought, 2));
  if (is_caught && VECTOR_ELT(brought, 0) != R_NilValue) {
    const SEXP condition = VECTOR_ELT(brought, 0);
    return Rf_inherits(condition, "error") ? condition : R_NilValue;
  }
  if (!is_caught && last_traceback() == traceback_before) return R_NilValue;
  SEXP call = PROTECT(Rf_lang1(hooks().last_error));
  SEXP error = Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
  return error;
}

// Leaves all of the chain, from the inside out.
void close_chain(const Coroutine& root) {
  for (Coroutine tip = tip_of(root);; tip = ascend(root, tip)) {
    refuse_running(tip);
    if (tip.machine->status == Phase::Fresh) finish(tip, Phase::Done, R_NilValue);
    if (!has_ended(tip)) run_on(tip, Inject::Return, R_NilValue);
    if (!has_ended(tip)) Rf_error("the generator gave out a value while it was being closed");
    if (tip.self == root.self) return;
  }
}

}  // namespace

SEXP generator_coroutine(SEXP value) {
  static const SEXP name = Rf_install("coroutine");
  if (TYPEOF(value) != CLOSXP || !Rf_inherits(value, "generator")) return R_NilValue;
  SEXP found = variable_in(environment_of(value), name);
  return is_coroutine(found) ? found : R_NilValue;
}

bool may_delegate(const Coroutine& co, SEXP source) {
  const Machine& m = *co.machine;
  if (m.kind != BodyKind::Generator || m.leaving != 0) return false;
  SEXP other = generator_coroutine(source);
  if (other == R_NilValue) return false;
  const Coroutine child = coroutine_from(other);
  if (child.machine->status == Phase::Running || child.slot(kStateParent) != R_NilValue) {
    return false;
  }
  const Block* block = blocks(co);
  for (int i = 0; i < m.blocks; ++i) {
    if (block[i].kind != BlockKind::Loop) return false;
  }
  return !has_ended(child) && !(m.options.parks && has_on_exit(co));
}

SEXP ask_generator(const Coroutine& root, Inject inject, SEXP value) {
  Coroutine tip = tip_of(root);
  if (inject == Inject::Return) {
    close_chain(root);
    return root.self;
  }
  for (;;) {
    refuse_running(tip);
    if (!has_ended(tip)) run_on(tip, inject, value);
    inject = Inject::Same;
    value = R_NilValue;
    if (tip.machine->status == Phase::Paused) {
      if (tip.machine->pause != Pause::Delegate) {
        note_paused_generator(tip);
        return tip.slot(kStateResult);
      }
      tip = descend(root, tip);
      continue;
    }
    if (tip.machine->kind == BodyKind::Generator && tip.machine->status == Phase::Done) {
      tip.set(kStateResult, R_NilValue);
    }
    if (tip.self == root.self) return root.self;
    tip = ascend(root, tip);
    inject = Inject::None;
  }
}

bool is_running_generator(const Coroutine& root) {
  return tip_of(root).machine->status == Phase::Running;
}

SEXP last_traceback() {
  static const SEXP name = Rf_install(".Traceback");
  return variable_in(R_BaseEnv, name);
}

void abandon_generator(const Coroutine& root, SEXP token, SEXP traceback_before) {
  SEXP error = PROTECT(error_of_jump(CAR(token), traceback_before));
  for (Coroutine tip = tip_of(root);; tip = ascend(root, tip)) {
    if (tip.machine->status == Phase::Paused) tip.machine->status = Phase::Running;
    if (leave_later(tip, Completion::Return, R_NilValue)) {
      note_paused_generator(tip);
    } else {
      mark_abandoned(tip);
    }
    const bool has_failed = tip.machine->status == Phase::Failed;
    if (has_failed && tip.slot(kStateResult) == R_NilValue) tip.set(kStateResult, error);
    if (tip.self == root.self) break;
  }
  UNPROTECT(1);
}

}  // namespace elsewhere::eval
