#include "bridge/eval/call_site.h"

#include "bridge/eval/hooks.h"
#include "bridge/eval/symbols.h"
#include "bridge/r_api.h"

namespace elsewhere::eval {
namespace {

// Goes through an expression in the order the compiler did, and puts a value
// in the place of each hole. What has no hole in it stays shared.
struct Filling {
  SEXP holes;
  SEXP values;
  int first;
  int next = 0;
  bool done() const { return next == Rf_length(holes); }
};

SEXP filled(SEXP expr, Filling& filling) {
  if (TYPEOF(expr) != LANGSXP || filling.done()) return expr;
  if (expr == VECTOR_ELT(filling.holes, filling.next)) {
    const SEXP value = VECTOR_ELT(filling.values, filling.first + filling.next++);
    return forced_promise(expr, value);
  }
  SEXP copy = expr;
  PROTECT_INDEX index;
  PROTECT_WITH_INDEX(copy, &index);
  int place = 0;
  for (SEXP rest = expr; rest != R_NilValue; rest = CDR(rest), ++place) {
    SEXP part = PROTECT(filled(CAR(rest), filling));
    if (part != CAR(rest)) {
      if (copy == expr) REPROTECT(copy = Rf_shallow_duplicate(expr), index);
      SETCAR(Rf_nthcdr(copy, place), part);
    }
    UNPROTECT(1);
  }
  UNPROTECT(1);
  return copy;
}

bool is_plain_head(SEXP head) {
  if (TYPEOF(head) != LANGSXP) return TYPEOF(head) == SYMSXP || TYPEOF(head) == STRSXP;
  return CAR(head) == symbols().double_colon || CAR(head) == symbols().triple_colon;
}

// `tail` of a growing pairlist, behind which `value` is put.
SEXP append(SEXP tail, SEXP value, SEXP tag) {
  SEXP cell = Rf_cons(value, R_NilValue);
  SETCDR(tail, cell);
  if (tag != R_NilValue) SET_TAG(cell, tag);
  return cell;
}

SEXP append_dots(SEXP tail, SEXP values) {
  SEXP names = PROTECT(Rf_getAttrib(values, R_NamesSymbol));
  for (R_xlen_t i = 0; i < Rf_xlength(values); ++i) {
    SEXP tag = R_NilValue;
    if (names != R_NilValue && LENGTH(STRING_ELT(names, i)) > 0) {
      tag = Rf_installTrChar(STRING_ELT(names, i));
    }
    SEXP literal = PROTECT(as_literal(VECTOR_ELT(values, i)));
    tail = append(tail, literal, tag);
    UNPROTECT(1);
  }
  UNPROTECT(1);
  return tail;
}

}  // namespace

SEXP as_literal(SEXP value) {
  switch (TYPEOF(value)) {
    case LANGSXP:
    case SYMSXP:
    case PROMSXP:
    case BCODESXP: return Rf_lang2(hooks().quote, value);
    default: return value;
  }
}

SEXP forced_promise(SEXP expr, SEXP value) {
  // The expression is evaluated where its head gives the value back, whatever
  // its arguments are; R makes and forces the promise.
  static const SEXP giver = [] {
    SEXP call =
        PROTECT(Rf_lang4(symbols().function, R_NilValue, Rf_install("..value"), R_NilValue));
    SETCADR(call, Rf_cons(R_MissingArg, R_NilValue));
    SET_TAG(CADR(call), R_DotsSymbol);
    R_PreserveObject(call);
    UNPROTECT(1);
    return call;
  }();
  static const SEXP giver_of_giver = [] {
    SEXP call = PROTECT(Rf_lang4(symbols().function, R_NilValue, giver, R_NilValue));
    SETCADR(call, Rf_cons(R_MissingArg, R_NilValue));
    SET_TAG(CADR(call), R_DotsSymbol);
    R_PreserveObject(call);
    UNPROTECT(1);
    return call;
  }();
  static const SEXP value_symbol = Rf_install("..value");
  const bool is_qualified = TYPEOF(CAR(expr)) == LANGSXP;
  const SEXP name = is_qualified ? CAAR(expr) : CAR(expr);
  SEXP scope = PROTECT(R_NewEnv(R_BaseEnv, FALSE, 2));
  Rf_defineVar(value_symbol, value, scope);
  SEXP function = PROTECT(Rf_eval(is_qualified ? giver_of_giver : giver, scope));
  Rf_defineVar(name, function, scope);
  SEXP call = PROTECT(Rf_lang2(hooks().forced_promise, expr));
  SEXP frame = PROTECT(Rf_eval(call, scope));
  SEXP promise = CAR(variable_in(frame, R_DotsSymbol));
  UNPROTECT(4);
  return promise;
}

SEXP fill_strict(SEXP site, SEXP callee, SEXP values, int first) {
  const SEXP call = VECTOR_ELT(site, kSiteCall);
  const int* kinds = INTEGER(VECTOR_ELT(site, kSiteKinds));
  SEXP head = is_plain_head(CAR(call)) ? CAR(call) : callee;
  SEXP made = PROTECT(Rf_lcons(head, R_NilValue));
  SEXP tail = made;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest), ++kinds) {
    switch (static_cast<ArgumentKind>(*kinds)) {
      case ArgumentKind::InPlace: tail = append(tail, CAR(rest), TAG(rest)); break;
      case ArgumentKind::Value: {
        SEXP literal = PROTECT(as_literal(VECTOR_ELT(values, first++)));
        tail = append(tail, literal, TAG(rest));
        UNPROTECT(1);
        break;
      }
      case ArgumentKind::Dots: tail = append_dots(tail, VECTOR_ELT(values, first++)); break;
    }
  }
  UNPROTECT(1);
  return made;
}

SEXP fill_lazy(SEXP site, SEXP callee, SEXP values, int first) {
  const SEXP call = VECTOR_ELT(site, kSiteCall);
  Filling filling{VECTOR_ELT(site, kSiteHoles), values, first};
  SEXP copy = PROTECT(Rf_shallow_duplicate(call));
  if (!is_plain_head(CAR(copy))) SETCAR(copy, callee);
  for (SEXP rest = CDR(copy); rest != R_NilValue; rest = CDR(rest)) {
    SETCAR(rest, filled(CAR(rest), filling));
  }
  UNPROTECT(1);
  return copy;
}

SEXP fill_replacement(SEXP site, SEXP value, SEXP values, int first) {
  const SEXP call = VECTOR_ELT(site, kSiteCall);
  Filling filling{VECTOR_ELT(site, kSiteHoles), values, first};
  SEXP target = PROTECT(filled(CADR(call), filling));
  SEXP literal = PROTECT(as_literal(value));
  SEXP made = Rf_lang3(CAR(call), target, literal);
  UNPROTECT(2);
  return made;
}

}  // namespace elsewhere::eval
