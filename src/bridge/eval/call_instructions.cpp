#include "bridge/eval/call_instructions.h"

#include <array>
#include <cstdio>

#include "bridge/eval/call_site.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/loops.h"
#include "bridge/eval/symbols.h"
#include "bridge/r_api.h"

namespace elsewhere::eval {
namespace {

bool is_strict_special(SEXP function) {
  const SEXP list = hooks().strict_specials;
  for (int i = 0; i < Rf_length(list); ++i) {
    if (VECTOR_ELT(list, i) == function) return true;
  }
  return false;
}

}  // namespace

void replace_top(const Coroutine& co, int count, SEXP value) {
  PROTECT(value);
  drop(co, count);
  push(co, value);
  UNPROTECT(1);
}

SEXP find_function(const Coroutine& co, SEXP symbol) {
  SEXP env = current_env(co);
  for (SEXP rho = env; rho != R_EmptyEnv; rho = parent_of(rho)) {
    const Slot slot = slot_in(rho, symbol);
    if (slot.kind == Slot::Kind::Unbound || slot.value == R_MissingArg) continue;
    const SEXP found = slot.value != nullptr ? slot.value : run_own_leaf(co, symbol, rho);
    if (Rf_isFunction(found)) return found;
  }
  // R words the error.
  SEXP call = PROTECT(Rf_lang1(symbol));
  SEXP value = run_own_leaf(co, call, env);
  UNPROTECT(1);
  return value;
}

bool takes_promises(const Coroutine& co, SEXP call) {
  const SEXP callee = top(co);
  if (TYPEOF(callee) == CLOSXP) return true;
  if (TYPEOF(callee) != SPECIALSXP || is_strict_special(callee)) return false;
  const SEXP head = CAR(call);
  std::array<char, 256> message;
  std::snprintf(message.data(), message.size(),
                "%.100s%s does not evaluate its arguments, so they cannot pause",
                TYPEOF(head) == SYMSXP ? CHAR(PRINTNAME(head)) : "this function",
                TYPEOF(head) == SYMSXP ? "()" : "");
  fail_in_body(co, message.data());
}

void call_and_replace(const Coroutine& co, SEXP call, int dropped) {
  PROTECT(call);
  SEXP value = PROTECT(run_leaf(co, call, current_env(co)));
  replace_top(co, dropped, value);
  UNPROTECT(2);
}

void assign_outer(const Coroutine& co, SEXP symbol) {
  SEXP literal = PROTECT(as_literal(top(co)));
  SEXP call = PROTECT(Rf_lang3(symbols().assign_outer, symbol, literal));
  run_own_leaf(co, call, current_env(co));
  UNPROTECT(2);
}

void evaluate_dots(const Coroutine& co) {
  SEXP call = PROTECT(Rf_lang2(hooks().list, R_DotsSymbol));
  push(co, PROTECT(run_own_leaf(co, call, current_env(co))));
  UNPROTECT(2);
}

void logic(const Coroutine& co, const int* operand, bool is_left) {
  const bool is_or = operand[1] != 0;
  SEXP call = constant(co, operand[2]);
  if (is_left) {
    SEXP value = PROTECT(logic_left(co, top(co), is_or, call));
    replace_top(co, 1, value);
    if (LOGICAL(value)[0] == static_cast<int>(is_or)) {
      trace(co, is_or ? "||: TRUE (skip)\n" : "&&: FALSE (skip)\n");
      co.machine->pc = operand[0];
    }
    UNPROTECT(1);
  } else {
    SEXP value = PROTECT(logic_right(co, top(co, 1), top(co), is_or, call));
    replace_top(co, 2, value);
    trace_about(co, is_or ? "||: " : "&&: ", value, "\n");
    UNPROTECT(1);
  }
}

}  // namespace elsewhere::eval
