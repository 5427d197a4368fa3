#include "bridge/source_refs.h"

#include "bridge/r_api.h"

namespace elsewhere {
namespace {

// The call `function(formals) body` has its source as a fourth element. It stays,
// empty, as the parser makes it: rlang wants four.
constexpr int kSourceElement = 3;

struct Names {
  SEXP function = Rf_install("function");
  SEXP marks[3] = {Rf_install("srcref"), Rf_install("srcfile"), Rf_install("wholeSrcref")};
};

const Names& names() {
  static const Names all;
  return all;
}

bool is_marked(SEXP part) {
  if (!has_attributes(part)) return false;
  for (SEXP mark : names().marks) {
    if (Rf_getAttrib(part, mark) != R_NilValue) return true;
  }
  return false;
}

SEXP stripped(SEXP part);

// The calls among the elements of a call, or among the defaults of formals. A cell
// is copied only where something changes: code is shared, and never changed in
// place.
SEXP stripped_cells(SEXP cells) {
  SEXP copy = cells;
  PROTECT_INDEX at;
  PROTECT_WITH_INDEX(copy, &at);
  R_xlen_t place = 0;
  for (SEXP cell = cells; cell != R_NilValue; cell = CDR(cell), ++place) {
    SEXP part = CAR(cell);
    if (TYPEOF(part) != LANGSXP) continue;
    SEXP without = PROTECT(stripped(part));
    if (without != part) {
      if (copy == cells) REPROTECT(copy = Rf_shallow_duplicate(cells), at);
      SETCAR(Rf_nthcdr(copy, static_cast<int>(place)), without);
    }
    UNPROTECT(1);
  }
  UNPROTECT(1);
  return copy;
}

SEXP stripped_function_call(SEXP call) {
  SEXP formals = PROTECT(stripped_cells(CADR(call)));
  SEXP body = PROTECT(stripped(CADDR(call)));
  SEXP out = Rf_lang4(CAR(call), formals, body, R_NilValue);
  UNPROTECT(2);
  return out;
}

SEXP stripped(SEXP part) {
  if (TYPEOF(part) != LANGSXP) return part;
  R_CheckStack();
  if (CAR(part) == names().function && Rf_length(part) > kSourceElement &&
      CAR(Rf_nthcdr(part, kSourceElement)) != R_NilValue) {
    return stripped_function_call(part);
  }
  SEXP out = PROTECT(stripped_cells(part));
  if (is_marked(out)) {
    if (out == part) out = Rf_shallow_duplicate(part);
    UNPROTECT(1);
    PROTECT(out);
    for (SEXP mark : names().marks) Rf_setAttrib(out, mark, R_NilValue);
  }
  UNPROTECT(1);
  return out;
}

}  // namespace

SEXP closure_without_source(SEXP closure, SEXP environment) {
  SEXP formals = PROTECT(stripped_cells(formals_of(closure)));
  // Compiled code would not be sent, and was compiled for another environment.
  SEXP body = PROTECT(stripped(R_ClosureExpr(closure)));
  SEXP out = PROTECT(new_closure(formals, body, environment));
  if (has_attributes(closure)) {
    DUPLICATE_ATTRIB(out, closure);
    Rf_setAttrib(out, names().marks[0], R_NilValue);
  }
  UNPROTECT(3);
  return out;
}

}  // namespace elsewhere
