#include "bridge/eval/base_call.h"

#include "bridge/eval/hooks.h"
#include "bridge/eval/symbols.h"
#include "bridge/r_api.h"

namespace elsewhere::eval {
namespace {

SEXP native_call(SEXP routine, const Coroutine& co, int layer) {
  SEXP number = PROTECT(Rf_ScalarInteger(layer));
  SEXP call = Rf_lang4(hooks().dot_call, routine, co.self, number);
  UNPROTECT(1);
  return call;
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
  Rf_defineVar(symbols().value, list, around);
  UNPROTECT(1);
}

}  // namespace

SEXP drive_loop(const Coroutine& co, int layer) {
  SEXP call = PROTECT(native_call(hooks().drive, co, layer));
  SEXP loop = Rf_lang3(hooks().while_, call, R_NilValue);
  UNPROTECT(1);
  return loop;
}

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
  SEXP make = PROTECT(Rf_lang4(symbols().function, dots, body_of(hooks().eval), R_NilValue));
  SEXP function = PROTECT(Rf_eval(make, around));
  SEXP call = PROTECT(Rf_shallow_duplicate(base_shown(co, layer)));
  define_head(call, function, around);
  UNPROTECT(10);
  *scope = around;
  return call;
}

}  // namespace elsewhere::eval
