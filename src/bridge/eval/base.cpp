#include "bridge/eval/base.h"

#include "bridge/eval/hooks.h"
#include "bridge/eval/words.h"

namespace elsewhere::eval {
namespace {

uint64_t bit(int layer) { return uint64_t{1} << layer; }
uint64_t from(int layer) { return ~(bit(layer) - 1); }

SEXP native_call(SEXP routine, const Coroutine& co, int layer) {
  SEXP number = PROTECT(Rf_ScalarInteger(layer));
  SEXP call = Rf_lang4(hooks().dot_call, routine, co.self, number);
  UNPROTECT(1);
  return call;
}

// while (drive(co, layer)) NULL
SEXP drive_loop(const Coroutine& co, int layer) {
  SEXP call = PROTECT(native_call(hooks().drive, co, layer));
  SEXP loop = Rf_lang3(hooks().while_, call, R_NilValue);
  UNPROTECT(1);
  return loop;
}

// What sys.call() shows in the body after its first pause: the user's own call, if
// the body is that of a function, and what R has in the place of local().
SEXP base_shown(const Coroutine& co, int layer) {
  if (layer > 0) return shown_call(co);
  SEXP call = co.slot(kStateCall);
  bool is_usable = TYPEOF(call) == LANGSXP && TYPEOF(CAR(call)) == SYMSXP;
  // `...` would be looked for, and there is none.
  for (SEXP rest = is_usable ? CDR(call) : R_NilValue; rest != R_NilValue; rest = CDR(rest)) {
    if (CAR(rest) == R_DotsSymbol) is_usable = false;
  }
  return is_usable ? call : VECTOR_ELT(hooks().shown_bodies, static_cast<int>(co.machine->kind));
}

// Lets the head of `call` mean `function` in `around`: a name, or the `value[[3L]]` of
// a handler.
void define_head(SEXP call, SEXP function, SEXP around) {
  if (TYPEOF(CAR(call)) == SYMSXP) {
    Rf_defineVar(CAR(call), function, around);
    return;
  }
  SEXP list = PROTECT(Rf_allocVector(VECSXP, 3));
  SET_VECTOR_ELT(list, 2, function);
  Rf_defineVar(words().value, list, around);
  UNPROTECT(1);
}

// The base call, and in `scope` the environment to evaluate it in: what the call
// names is there base R's eval(), but that it takes any arguments, and has its own
// from around it. `goes_on` is one logical that stands in the code itself and that
// drive() sets.
SEXP base_call(const Coroutine& co, int layer, SEXP env, SEXP goes_on, SEXP* scope) {
  static const SEXP code_symbol = Rf_install("expr");
  static const SEXP frame_symbol = Rf_install("envir");
  static const SEXP enclosure_symbol = Rf_install("enclos");
  static const SEXP dots = [] {
    SEXP formals = Rf_cons(R_MissingArg, R_NilValue);
    R_PreserveObject(formals);
    SET_TAG(formals, R_DotsSymbol);
    return formals;
  }();
  SEXP loop = PROTECT(drive_loop(co, layer));
  SEXP after_break = PROTECT(native_call(hooks().left, co, layer));
  SEXP check = PROTECT(Rf_lang3(hooks().if_, goes_on, after_break));
  SEXP both = PROTECT(Rf_lang3(hooks().brace, loop, check));
  SEXP outer = PROTECT(Rf_lang3(hooks().while_, goes_on, both));
  SEXP body = PROTECT(Rf_lang3(hooks().brace, outer, co.self));
  SEXP around = PROTECT(R_NewEnv(R_BaseEnv, FALSE, 5));
  Rf_defineVar(code_symbol, body, around);
  Rf_defineVar(frame_symbol, env, around);
  Rf_defineVar(enclosure_symbol, R_BaseEnv, around);
  SEXP make = PROTECT(Rf_lang4(words().function, dots, BODY(hooks().eval), R_NilValue));
  SEXP function = PROTECT(Rf_eval(make, around));
  SEXP call = PROTECT(Rf_shallow_duplicate(base_shown(co, layer)));
  define_head(call, function, around);
  UNPROTECT(10);
  *scope = around;
  return call;
}

// What a layer's context gave back when it was not just its end: a return()
// forced somewhere, or one in on.exit().
void landed_with_value(const Coroutine& co, int layer, SEXP value) {
  Machine& m = *co.machine;
  m.is_escaping = false;
  if (m.in_leaf) {
    m.in_leaf = false;
    if (m.scopes >= layer) {
      complete(co, Completion::Return, value, layer, 0);
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

bool has_guarded_block(const Coroutine& co, int layer) {
  const Machine& m = *co.machine;
  const Block* block = blocks(co);
  int scope = 0;
  for (int i = 0; i < m.blocks; ++i) {
    const auto kind = static_cast<BlockKind>(block[i].kind);
    if (kind == BlockKind::Scope) ++scope;
    if (kind == BlockKind::Restart && scope == layer) return true;
    const bool is_ours = kind == BlockKind::Handler || kind == BlockKind::Finally ||
                         kind == BlockKind::Shown || is_closing_loop(block[i]);
    if (!is_ours) continue;
    const bool may_pause = kind == BlockKind::Finally && block[i].x == 1;
    if (scope == layer || (layer == 0 && (m.kind != BodyKind::Generator || may_pause))) return true;
  }
  return false;
}

bool wants_guard(const Coroutine& co, int layer) {
  const Machine& m = *co.machine;
  if ((m.guarded & bit(layer)) != 0) return false;
  if (m.in_closure && layer == 0 && m.kind != BodyKind::Generator) return true;
  return m.blocks > 0 && has_guarded_block(co, layer);
}

// Calls `each` with the index of each RESTART block of the layer, outermost
// first; how many there are.
template <class Each>
int for_restarts(const Coroutine& co, int layer, Each&& each) {
  const Block* block = blocks(co);
  int scope = 0;
  int count = 0;
  for (int i = 0; i < co.machine->blocks; ++i) {
    if (block[i].kind == static_cast<int>(BlockKind::Scope)) ++scope;
    if (block[i].kind != static_cast<int>(BlockKind::Restart) || scope != layer) continue;
    each(i, count++);
  }
  return count;
}

int count_restarts(const Coroutine& co, int layer) {
  return for_restarts(co, layer, [](int, int) {});
}

// For R: the RESTART blocks of the layer (a list of their names, and where they
// stand in the block stack).
SEXP restarts_of(const Coroutine& co, int layer, int count) {
  SEXP out = PROTECT(Rf_allocVector(VECSXP, 2));
  SET_VECTOR_ELT(out, 0, Rf_allocVector(VECSXP, count));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(INTSXP, count));
  for_restarts(co, layer, [&](int at, int number) {
    SET_VECTOR_ELT(VECTOR_ELT(out, 0), number, constant(co, blocks(co)[at].y));
    INTEGER(VECTOR_ELT(out, 1))[number] = at;
  });
  UNPROTECT(1);
  return out;
}

void run_guarded(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  SEXP number = PROTECT(Rf_ScalarInteger(layer));
  SEXP loop = PROTECT(drive_loop(co, layer));
  const int count = count_restarts(co, layer);
  SEXP restarts = PROTECT(count == 0 ? R_NilValue : restarts_of(co, layer, count));
  SEXP call = PROTECT(Rf_lang5(hooks().guard, co.self, number, loop, restarts));
  m.guarded |= bit(layer);
  m.told &= ~bit(layer);
  m.restarts[layer] = static_cast<uint8_t>(count);
  Rf_eval(call, layer_env(co, layer));
  m.guarded &= ~from(layer);
  m.told &= ~from(layer);
  m.layer = layer;
  UNPROTECT(4);
}

// R's restarts are no longer those of the RESTART blocks.
bool is_guard_stale(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  m.is_stale = false;
  if ((m.guarded & bit(layer)) == 0) return false;
  return (m.told & bit(layer)) != 0 || m.restarts[layer] != count_restarts(co, layer);
}

void put_away(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  if (!m.parks || (m.parked & bit(layer)) != 0) return;
  m.parked |= bit(layer);
  const SEXP env = layer_env(co, layer);
  SEXP call = PROTECT(Rf_lang1(hooks().sys_on_exit));
  SEXP expr = PROTECT(Rf_eval(call, env));
  if (expr != R_NilValue) {
    // With one more, R shows them as a block of all; a block by itself could as
    // well be one that was registered.
    static const SEXP add_symbol = Rf_install("add");
    SEXP add = PROTECT(Rf_lang3(hooks().on_exit, R_NilValue, Rf_ScalarLogical(TRUE)));
    SET_TAG(CDDR(add), add_symbol);
    Rf_eval(add, env);
    UNPROTECT(2);
    expr = PROTECT(Rf_eval(call, env));
    if (co.slot(kStateParked) == R_NilValue || Rf_length(co.slot(kStateParked)) <= layer) {
      SEXP list = co.slot(kStateParked);
      co.set(kStateParked, list == R_NilValue ? Rf_allocVector(VECSXP, layer + 1)
                                              : Rf_lengthgets(list, layer + 1));
    }
    SET_VECTOR_ELT(co.slot(kStateParked), layer, expr);
    Rf_eval(PROTECT(Rf_lang1(hooks().on_exit)), env);
    UNPROTECT(1);
  }
  UNPROTECT(2);
}

// on.exit() of the layer's frame is put away at a pause, or R would run it now.
void park(const Coroutine& co, int layer) {
  if (co.machine->status == Phase::Paused) put_away(co, layer);
}

void restore(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  if ((m.restored & bit(layer)) != 0) return;
  m.restored |= bit(layer);
  m.parked &= ~bit(layer);
  const SEXP list = co.slot(kStateParked);
  if (list == R_NilValue || Rf_length(list) <= layer) return;
  SEXP expr = PROTECT(VECTOR_ELT(list, layer));
  if (expr != R_NilValue) {
    SET_VECTOR_ELT(list, layer, R_NilValue);
    // The last one is park()'s own.
    for (SEXP rest = CDR(expr); CDR(rest) != R_NilValue; rest = CDR(rest)) {
      SEXP call = PROTECT(Rf_lang3(hooks().on_exit, CAR(rest), PROTECT(Rf_ScalarLogical(TRUE))));
      SET_TAG(CDDR(call), Rf_install("add"));
      Rf_eval(call, layer_env(co, layer));
      UNPROTECT(2);
    }
  }
  UNPROTECT(1);
}

// Where a jump that R made has arrived: at this layer, with what is above gone.
void land(const Coroutine& co, int layer, Completion kind) {
  Machine& m = *co.machine;
  m.layer = layer;
  m.guarded &= ~from(layer + 1);
  m.told &= ~from(layer + 1);
  m.restored &= ~from(layer + 1);
  if (m.in_leaf && !m.is_escaping) {
    m.in_leaf = false;
    complete(co, kind, R_NilValue, layer, 0);
  }
}

void begin(const Coroutine& co, Inject inject, SEXP value) {
  Machine& m = *co.machine;
  co.set(kStateSent, value);
  const bool has_no_pause = m.status == Phase::Fresh || m.is_escaping;
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
  if (!m.is_traced) return;
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
  m.in_leaf = false;
  m.is_escaping = false;
  SEXP condition = PROTECT(co.slot(kStateEscape));
  co.set(kStateEscape, R_NilValue);
  complete(co, static_cast<Completion>(m.escape_kind), condition, m.escape_target, m.matched);
  UNPROTECT(1);
}

bool drive(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  if (m.leaving > layer) m.leaving = 0;  // the jump has arrived
  land(co, layer, Completion::Next);
  show_call(co, layer);
  restore(co, layer);
  for (;;) {
    if (m.is_escaping) {
      take_escape(co);
    } else if (m.in_leaf) {  // a break came out of the guard's loop
      land(co, layer, Completion::Break);
    }
    if (m.status != Phase::Running) {
      park(co, layer);
      return stop_driving(m, layer);
    }
    if (m.scopes < layer) return stop_driving(m, layer);
    if (m.is_stale && is_guard_stale(co, layer)) {
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

SEXP run_shown(const Coroutine& co, int layer, SEXP frame, bool has_handler) {
  static const SEXP function = Rf_install("withCallingHandlers");
  static const SEXP loop = Rf_install("loop"), handler = Rf_install("handler"),
                    condition = Rf_install("condition");
  SEXP call = PROTECT(has_handler ? Rf_lang3(function, loop, handler) : Rf_lang2(function, loop));
  if (has_handler) SET_TAG(CDDR(call), condition);
  SEXP shown = co.slot(kStateShown);
  if (Rf_length(shown) <= layer) {
    shown =
        shown == R_NilValue ? Rf_allocVector(VECSXP, layer + 1) : Rf_lengthgets(shown, layer + 1);
    co.set(kStateShown, shown);
  }
  SET_VECTOR_ELT(shown, layer, call);
  SEXP value = Rf_eval(call, frame);
  UNPROTECT(1);
  return value;
}

SEXP guard_call(const Coroutine& co, int layer) {
  const SEXP list = co.slot(kStateShown);
  return (co.machine->guarded & bit(layer)) == 0 || Rf_length(list) <= layer
             ? R_NilValue
             : VECTOR_ELT(list, layer);
}

// R has taken the arguments long since: only the text of the call is left of it.
void show_call(const Coroutine& co, int layer) {
  SEXP call = guard_call(co, layer);
  if (call == R_NilValue) return;
  const SEXP shown = shown_call(co);
  if (CAR(call) == CAR(shown) && CDR(call) == CDR(shown)) return;
  SETCAR(call, CAR(shown));
  SETCDR(call, CDR(shown));
}

void park_for_jump(const Coroutine& co, int layer) { put_away(co, layer); }

void left(const Coroutine& co, int layer) { land(co, layer, Completion::Break); }

void resume(const Coroutine& co, Inject inject, SEXP value) {
  Machine& m = *co.machine;
  begin(co, inject, value);
  const SEXP running_before = running_coroutine;
  running_coroutine = co.self;
  if (m.is_plain && !m.is_traced && !m.is_debugged) {
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
  running_coroutine = co.self;
  m.in_closure = true;
  m.restored = bit(0);
  m.goes_on[0] = nullptr;
  SEXP loop = PROTECT(drive_loop(co, 0));
  do {
    Rf_eval(loop, co.slot(kStateEnv));
    if (m.in_leaf) land(co, 0, Completion::Break);
  } while (m.status == Phase::Running);
  leave_layers_from(co, 0);
  m.in_closure = false;
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
    is_due = is_due || blocks(co)[i].kind == static_cast<int>(BlockKind::Finally);
  }
  if (!is_due) return false;
  leave_layers_from(co, 0);
  m.in_leaf = false;
  m.in_closure = false;
  m.is_escaping = true;
  m.escape_kind = static_cast<int>(kind);
  m.escape_target = 0;
  m.matched = 0;
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
  m.in_leaf = false;
  m.is_escaping = false;
  m.in_closure = false;
  close_iterators(co);
  finish(co, Phase::Failed, co.slot(kStateEscape));
  let_go(co);
}

}  // namespace elsewhere::eval
