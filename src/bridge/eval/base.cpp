#include "bridge/eval/base.h"

#include "bridge/eval/base_call.h"
#include "bridge/eval/layer_guard.h"
#include "bridge/eval/parked_exits.h"

namespace elsewhere::eval {
namespace {

// What a layer's context gave back when it was not just its end: a return()
// forced somewhere, or one in on.exit().
void landed_with_value(const Coroutine& co, int layer, SEXP value) {
  Machine& m = *co.machine;
  m.now.is_escaping = false;
  if (m.now.in_leaf) {
    m.now.in_leaf = false;
    if (m.scopes >= layer) {
      complete(co, {Completion::Return, layer}, value);
    } else {
      push(co, value);  // its guard has left the scope already (guard_left())
    }
  } else if (layer == 0 && (m.status == Phase::Done || m.status == Phase::Failed)) {
    m.status = Phase::Done;
    co.set(kStateResult, value);
  } else if (layer > 0 && m.status == Phase::Running && m.scopes == layer - 1 && m.sp > 0) {
    SET_VECTOR_ELT(co.slot(kStateStack), m.sp - 1, value);
  }
}

void leave_layers_from(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  m.layer = layer - 1;
  m.guarded &= ~from(layer);
  m.told &= ~from(layer);
  m.restored &= ~from(layer);
}

// Where a jump that R made has arrived: at this layer, with what is above gone.
void land(const Coroutine& co, int layer, Completion kind) {
  Machine& m = *co.machine;
  m.layer = layer;
  m.guarded &= ~from(layer + 1);
  m.told &= ~from(layer + 1);
  m.restored &= ~from(layer + 1);
  if (m.now.in_leaf && !m.now.is_escaping) {
    m.now.in_leaf = false;
    complete(co, {kind, layer}, R_NilValue);
  }
}

void begin(const Coroutine& co, Inject inject, SEXP value) {
  Machine& m = *co.machine;
  co.set(kStateSent, value);
  const bool has_no_pause = m.status == Phase::Fresh || m.now.is_escaping;
  m.inject = has_no_pause && inject != Inject::Raise ? Inject::None : inject;
  m.status = Phase::Running;
  m.pause = Pause::None;
  m.layer = 0;
  m.guarded = 0;
  m.told = 0;
  m.restored = 0;
  trace(co, "pump: run\n");
}

// Leaves the layer's loops.
bool stop_driving(Machine& m, int layer) {
  if (m.goes_on[layer] != nullptr) *m.goes_on[layer] = FALSE;
  return false;
}

void trace_pause(const Coroutine& co) {
  const Machine& m = *co.machine;
  if (!m.options.is_traced) return;
  if (m.pause == Pause::Await) trace(co, "await: registered\n");
  if (m.pause == Pause::Yield) trace(co, "generator: yield\n");
  trace(co, "pump: pause\n");
}

}  // namespace

SEXP running_coroutine = nullptr;

void run_layer(const Coroutine& co, int layer) {
  if (layer >= kLayersMax) Rf_error("local() is nested more than %d deep", kLayersMax);
  SEXP scope = R_NilValue;
  SEXP goes_on = PROTECT(Rf_ScalarLogical(TRUE));
  goes_on = PROTECT(Rf_duplicate(goes_on));
  SEXP call = PROTECT(base_call(co, layer, layer_env(co, layer), goes_on, &scope));
  PROTECT(scope);
  co.machine->goes_on[layer] = LOGICAL(goes_on);
  co.machine->parked &= ~from(layer + 1);
  SEXP value = PROTECT(Rf_eval(call, scope));
  leave_layers_from(co, layer);
  if (value != co.self) landed_with_value(co, layer, value);
  UNPROTECT(5);
}

void take_escape(const Coroutine& co) {
  Machine& m = *co.machine;
  m.now.in_leaf = false;
  m.now.is_escaping = false;
  SEXP condition = PROTECT(co.slot(kStateEscape));
  co.set(kStateEscape, R_NilValue);
  complete(co, m.escape, condition);
  UNPROTECT(1);
}

bool drive(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  if (m.leaving > layer) m.leaving = 0;  // the jump has arrived
  land(co, layer, Completion::Next);
  show_call(co, layer);
  restore_exits(co, layer);
  for (;;) {
    if (m.now.is_escaping) {
      take_escape(co);
    } else if (m.now.in_leaf) {  // a break came out of the guard's loop
      land(co, layer, Completion::Break);
    }
    if (m.status != Phase::Running) {
      if (m.status == Phase::Paused) park_exits(co, layer);
      return stop_driving(m, layer);
    }
    if (m.scopes < layer) return stop_driving(m, layer);
    if (m.now.is_stale && is_guard_stale(co, layer)) {
      return false;  // out of the guard; the loop around it puts up another
    } else if (wants_guard(co, layer)) {
      run_guarded(co, layer);
    } else if (m.scopes > layer) {
      run_layer(co, layer + 1);
      m.layer = layer;
    } else {
      run_instructions(co);
    }
  }
}

SEXP frame_in(SEXP env) {
  for (SEXP each = running_coroutine; each != nullptr;) {
    const Coroutine co = coroutine_from(each);
    if (co.slot(kStateEnv) == env) return co.slot(kStateFrame);
    each = co.machine->outer;
  }
  return R_NilValue;
}

void left(const Coroutine& co, int layer) { land(co, layer, Completion::Break); }

void resume(const Coroutine& co, Inject inject, SEXP value) {
  Machine& m = *co.machine;
  begin(co, inject, value);
  const SEXP running_before = running_coroutine;
  m.outer = running_before;
  running_coroutine = co.self;
  if (m.options.is_plain && !m.options.is_traced && !m.options.is_debugged) {
    do {
      run_instructions(co);
    } while (m.status == Phase::Running);
    running_coroutine = running_before;
    if (m.status != Phase::Paused) let_go(co);
    return;
  }
  SEXP scope = R_NilValue;
  if (co.slot(kStateBase) == R_NilValue) {
    SEXP goes_on = PROTECT(Rf_allocVector(LGLSXP, 1));
    SEXP call = PROTECT(base_call(co, 0, co.slot(kStateEnv), goes_on, &scope));
    PROTECT(scope);
    co.set(kStateBase, call);
    co.set(kStateScope, scope);
    co.set(kStateGoesOn, goes_on);
    UNPROTECT(3);
  }
  do {
    m.goes_on[0] = LOGICAL(co.slot(kStateGoesOn));
    *m.goes_on[0] = TRUE;
    SEXP given = PROTECT(Rf_eval(co.slot(kStateBase), co.slot(kStateScope)));
    leave_layers_from(co, 0);
    if (given != co.self) landed_with_value(co, 0, given);
    UNPROTECT(1);
  } while (m.status == Phase::Running);
  running_coroutine = running_before;
  if (m.status != Phase::Paused) let_go(co);
  if (m.status == Phase::Paused) trace_pause(co);
}

void resume_in_closure(const Coroutine& co) {
  Machine& m = *co.machine;
  begin(co, Inject::None, R_NilValue);
  const SEXP running_before = running_coroutine;
  m.outer = running_before;
  running_coroutine = co.self;
  m.now.in_closure = true;
  m.restored = bit(0);
  m.goes_on[0] = nullptr;
  SEXP loop = PROTECT(drive_loop(co, 0));
  do {
    Rf_eval(loop, co.slot(kStateEnv));
    if (m.now.in_leaf) land(co, 0, Completion::Break);
  } while (m.status == Phase::Running);
  leave_layers_from(co, 0);
  m.now.in_closure = false;
  UNPROTECT(1);
  running_coroutine = running_before;
  if (m.status != Phase::Paused) let_go(co);
  if (m.status == Phase::Paused) trace_pause(co);
}

bool leave_later(const Coroutine& co, Completion kind, SEXP value) {
  Machine& m = *co.machine;
  if (m.status != Phase::Running || m.blocks == 0) return false;
  bool is_due = false;
  for (int i = 0; i < m.blocks; ++i) {
    is_due = is_due || blocks(co)[i].kind == BlockKind::Finally;
  }
  if (!is_due) return false;
  leave_layers_from(co, 0);
  m.now.in_leaf = false;
  m.now.in_closure = false;
  m.now.is_escaping = true;
  m.escape = {kind};
  co.set(kStateEscape, value);
  m.status = Phase::Paused;
  m.pause = Pause::None;
  ++m.wait;
  return true;
}

void mark_abandoned(const Coroutine& co) {
  Machine& m = *co.machine;
  if (m.status != Phase::Running) return;
  leave_layers_from(co, 0);
  m.now.in_leaf = false;
  m.now.is_escaping = false;
  m.now.in_closure = false;
  close_iterators(co);
  finish(co, Phase::Failed, co.slot(kStateEscape));
  let_go(co);
}

}  // namespace elsewhere::eval
