// Forms whose arguments are not plain code: quoted, masked by columns, or names.
#include "bridge/globals/walk.h"

namespace elsewhere {

void Walk::bquote(SEXP args) {
  out_.calls_closures = true;
  if (args == R_NilValue) return;
  bquoted(CAR(args));
  arguments(CDR(args));
}

// Only what stands in .() or ..() is evaluated.
void Walk::bquoted(SEXP code) {
  if (TYPEOF(code) != LANGSXP) return weakly(code);
  const Deeper deeper(*this);
  ++out_.nodes;
  const SEXP head = CAR(code);
  if (head == known_.dot || head == known_.dot_dot) return strict_arguments(CDR(code));
  if (TYPEOF(head) == SYMSXP) {
    use_function_weakly(head);
  } else {
    bquoted(head);
  }
  for (SEXP rest = CDR(code); rest != R_NilValue; rest = CDR(rest)) bquoted(CAR(rest));
}

void Walk::namespaced(SEXP call) {
  const SEXP package = CADR(call);
  if (TYPEOF(package) == SYMSXP) {
    out_.namespaces.push_back(PRINTNAME(package));
  } else if (TYPEOF(package) == STRSXP && XLENGTH(package) == 1) {
    out_.namespaces.push_back(STRING_ELT(package, 0));
  }
}

// dt[, .(s = sum(v)), by = g]: an empty, named or `.()` argument.
bool Walk::looks_like_data_table(SEXP args) {
  for (; args != R_NilValue; args = CDR(args)) {
    const SEXP tag = TAG(args), value = CAR(args);
    if (tag != R_NilValue && tag != known_.drop && tag != known_.exact) return true;
    if (TYPEOF(value) == LANGSXP &&
        (CAR(value) == known_.dot || CAR(value) == known_.colon_equal)) {
      return true;
    }
  }
  return false;
}

void Walk::bracket(SEXP, SEXP args) {
  if (args == R_NilValue) return;
  out_.calls_closures = true;
  node(CAR(args));
  if (looks_like_data_table(CDR(args))) return weak_arguments(CDR(args));
  for (SEXP rest = CDR(args); rest != R_NilValue; rest = CDR(rest)) argument(CAR(rest));
}

void Walk::masked(SEXP args) {
  out_.calls_closures = true;
  if (args == R_NilValue) return;
  argument(CAR(args));
  weak_arguments(CDR(args));
}

void Walk::column_assign(SEXP args) {
  for (; args != R_NilValue; args = CDR(args)) weakly(CAR(args));
}

void Walk::library(SEXP args) {
  out_.calls_closures = true;
  bool is_variable = false;
  for (SEXP rest = args; rest != R_NilValue; rest = CDR(rest)) {
    if (TAG(rest) == known_.character_only) is_variable = true;
  }
  for (SEXP rest = args; rest != R_NilValue; rest = CDR(rest)) {
    if (is_variable || TYPEOF(CAR(rest)) != SYMSXP) argument(CAR(rest));
  }
}

}  // namespace elsewhere
