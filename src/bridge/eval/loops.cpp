#include "bridge/eval/loops.h"

#include "bridge/eval/call_site.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/hot_loops.h"
#include "bridge/eval/symbols.h"
#include "bridge/r_api.h"

namespace elsewhere::eval {
namespace {

bool is_plain_sequence(SEXP value) {
  switch (TYPEOF(value)) {
    case NILSXP:
    case LGLSXP:
    case INTSXP:
    case REALSXP:
    case CPLXSXP:
    case STRSXP:
    case RAWSXP:
    case VECSXP:
    case EXPRSXP:
    case LISTSXP: return true;
    default: return false;
  }
}

// Evaluates `for (variable in <value>) body`; with a NULL body only to let R say
// what is wrong with the value.
SEXP run_plain_for(const Coroutine& co, SEXP variable, SEXP value, SEXP body) {
  SEXP literal = PROTECT(as_literal(value));
  SEXP loop = PROTECT(Rf_lang4(symbols().for_, variable, literal, body));
  SEXP result = run_own_leaf(co, loop, current_env(co));
  UNPROTECT(2);
  return result;
}

SEXP element(SEXP sequence, R_xlen_t i) {
  switch (TYPEOF(sequence)) {
    case LGLSXP: return Rf_ScalarLogical(LOGICAL_ELT(sequence, i));
    case INTSXP: return Rf_ScalarInteger(INTEGER_ELT(sequence, i));
    case REALSXP: return Rf_ScalarReal(REAL_ELT(sequence, i));
    case CPLXSXP: return Rf_ScalarComplex(COMPLEX_ELT(sequence, i));
    case STRSXP: return Rf_ScalarString(STRING_ELT(sequence, i));
    case RAWSXP: return Rf_ScalarRaw(RAW_ELT(sequence, i));
    case LISTSXP: return CAR(Rf_nthcdr(sequence, static_cast<int>(i)));
    default: return VECTOR_ELT(sequence, i);
  }
}

}  // namespace

bool is_iterable_object(SEXP value) {
  if (TYPEOF(value) == CLOSXP) return true;
  return Rf_isObject(value) && (Rf_inherits(value, "iter") || Rf_inherits(value, "iteror") ||
                                Rf_inherits(value, "channel"));
}

void check_for(const Coroutine& co, int target, SEXP site) {
  SEXP value = top(co);
  if (is_iterable_object(value)) return;
  const bool is_plain = is_plain_sequence(value);
  SEXP code = is_plain ? hot_code(co, site, Rf_xlength(value)) : nullptr;
  if (code != nullptr) {
    run_hot_for(co, code, value);
  } else {
    const SEXP call = loop_call(site);
    run_plain_for(co, CADR(call), value, CADDDR(call));
  }
  drop(co);
  push(co, R_NilValue);
  co.machine->now.is_visible = false;
  co.machine->pc = target;
}

namespace {

void end_leaf_loop(const Coroutine& co, int target) {
  push(co, R_NilValue);
  co.machine->now.is_visible = false;
  co.machine->pc = target;
}

}  // namespace

void begin_leaf_loop(const Coroutine& co, SEXP site, int target) {
  const Machine& m = *co.machine;
  SEXP code = hot_code(co, site, 0);
  if (code == nullptr && (m.options.is_traced || m.options.is_debugged)) {
    run_leaf(co, loop_call(site), current_env(co));
  } else if (code != nullptr) {
    run_own_leaf(co, code, current_env(co));
  } else {
    return;
  }
  end_leaf_loop(co, target);
}

void next_round(const Coroutine& co, SEXP site, int target) {
  SEXP code = hot_code(co, site, 1);
  if (code == nullptr) return;
  --co.machine->blocks;
  run_own_leaf(co, code, current_env(co));
  end_leaf_loop(co, target);
}

void set_up_for(const Coroutine& co, int break_pc, int next_pc, bool is_owner) {
  SEXP value = top(co);
  if (Rf_inherits(value, "factor")) {
    value = PROTECT(Rf_asCharacterFactor(value));
    drop(co);
    push(co, value);
    UNPROTECT(1);
  } else if (!is_iterable_object(value) && !is_plain_sequence(value)) {
    run_plain_for(co, Rf_install("i"), value, R_NilValue);
  }
  const bool closes = is_owner && is_iterable_object(value);
  push_block(co, BlockKind::Loop).loop = {break_pc, next_pc, LoopForm::For, closes, 0};
}

bool step_for(const Coroutine& co) {
  Block& loop = blocks(co)[co.machine->blocks - 1];
  SEXP sequence = VECTOR_ELT(co.slot(kStateStack), loop.sp - 1);
  if (loop.loop.index >= Rf_xlength(sequence)) return false;
  SEXP item = PROTECT(element(sequence, static_cast<R_xlen_t>(loop.loop.index++)));
  push(co, item);
  UNPROTECT(1);
  return true;
}

bool condition_holds(const Coroutine& co, SEXP value, SEXP call) {
  if (TYPEOF(value) == LGLSXP && Rf_xlength(value) == 1 && LOGICAL_ELT(value, 0) != NA_LOGICAL) {
    return LOGICAL_ELT(value, 0) != 0;
  }
  // Everything else is R's to judge: it converts, or says what is wrong.
  SEXP literal = PROTECT(as_literal(value));
  SEXP yes = PROTECT(Rf_ScalarLogical(TRUE));
  SEXP no = PROTECT(Rf_ScalarLogical(FALSE));
  SEXP test = PROTECT(Rf_lang4(symbols().if_, literal, yes, no));
  const SEXP answer = run_own_leaf(co, test, current_env(co));
  UNPROTECT(4);
  (void)call;
  return LOGICAL(answer)[0] == TRUE;
}

SEXP logic_left(const Coroutine& co, SEXP value, bool is_or, SEXP) {
  if (TYPEOF(value) == LGLSXP && Rf_xlength(value) == 1 && !has_attributes(value)) {
    return value;
  }
  SEXP literal = PROTECT(as_literal(value));
  SEXP neutral = PROTECT(Rf_ScalarLogical(!is_or));
  SEXP test = PROTECT(Rf_lang3(is_or ? symbols().or_ : symbols().and_, literal, neutral));
  SEXP answer = run_own_leaf(co, test, current_env(co));
  UNPROTECT(3);
  return answer;
}

SEXP logic_right(const Coroutine& co, SEXP left, SEXP right, bool is_or, SEXP) {
  SEXP literal = PROTECT(as_literal(right));
  SEXP test = PROTECT(Rf_lang3(is_or ? symbols().or_ : symbols().and_, left, literal));
  SEXP answer = run_own_leaf(co, test, current_env(co));
  UNPROTECT(2);
  return answer;
}

}  // namespace elsewhere::eval
