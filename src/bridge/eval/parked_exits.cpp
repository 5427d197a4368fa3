#include "bridge/eval/parked_exits.h"

#include "bridge/eval/hooks.h"

namespace elsewhere::eval {

void park_exits(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  if (!m.options.parks || (m.parked & bit(layer)) != 0) return;
  m.parked |= bit(layer);
  const SEXP env = layer_env(co, layer);
  SEXP call = PROTECT(Rf_lang1(hooks().sys_on_exit));
  SEXP expr = PROTECT(Rf_eval(call, env));
  if (expr != R_NilValue) {
    // With one more, R shows them as a block of all; a block by itself could as
    // well be one that was registered.
    static const SEXP add_symbol = Rf_install("add");
    SEXP add = PROTECT(Rf_lang3(hooks().register_exit, R_NilValue, Rf_ScalarLogical(TRUE)));
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
    Rf_eval(PROTECT(Rf_lang1(hooks().register_exit)), env);
    UNPROTECT(1);
  }
  UNPROTECT(2);
}

void restore_exits(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  if ((m.restored & bit(layer)) != 0) return;
  m.restored |= bit(layer);
  m.parked &= ~bit(layer);
  const SEXP list = co.slot(kStateParked);
  if (list == R_NilValue || Rf_length(list) <= layer) return;
  SEXP expr = PROTECT(VECTOR_ELT(list, layer));
  if (expr != R_NilValue) {
    SET_VECTOR_ELT(list, layer, R_NilValue);
    // The last one is park_exits()'s own.
    for (SEXP rest = CDR(expr); CDR(rest) != R_NilValue; rest = CDR(rest)) {
      SEXP call =
          PROTECT(Rf_lang3(hooks().register_exit, CAR(rest), PROTECT(Rf_ScalarLogical(TRUE))));
      SET_TAG(CDDR(call), Rf_install("add"));
      Rf_eval(call, layer_env(co, layer));
      UNPROTECT(2);
    }
  }
  UNPROTECT(1);
}

}  // namespace elsewhere::eval
