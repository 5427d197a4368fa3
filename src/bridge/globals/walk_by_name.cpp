// Forms that name a variable or function by a string.
#include "bridge/globals/walk.h"

namespace elsewhere {

// do.call("f", ...), sapply(xs, "f"), match.fun("f"): every literal string may
// be the function. A variable may also be its name: match.fun(f) looks for a
// function f() when the variable f holds none.
void Walk::calls_function(SEXP args) {
  out_.calls_closures = true;
  arguments(args);
  for (SEXP rest = args; rest != R_NilValue; rest = CDR(rest)) function_by_name(CAR(rest));
}

void Walk::function_by_name(SEXP value) {
  switch (TYPEOF(value)) {
    case SYMSXP:
      if (value != R_MissingArg && value != R_DotsSymbol && dots_number(value) == 0) {
        use_function_weakly(value);
      }
      return;
    case STRSXP:
      if (const SEXP symbol = symbol_of(value)) use_function_weakly(symbol);
      return;
    case LANGSXP:
      if (CAR(value) != known_.c) return;
      for (SEXP rest = CDR(value); rest != R_NilValue; rest = CDR(rest)) {
        if (TYPEOF(CAR(rest)) == STRSXP) function_by_name(CAR(rest));
      }
      return;
    default: return;
  }
}

// get("x"), mget(c("x", "y")), exists("x")
void Walk::get_by_name(SEXP args) {
  out_.calls_closures = true;
  arguments(args);
  if (args == R_NilValue) return;
  const auto use = [&](SEXP name) {
    if (TYPEOF(name) != STRSXP) return;
    if (const SEXP symbol = symbol_of(name)) {
      scope_.use_value(symbol, true);
      use_function_weakly(symbol);
    }
  };
  const SEXP first = CAR(args);
  use(first);
  if (TYPEOF(first) == LANGSXP && CAR(first) == known_.c) {
    for (SEXP rest = CDR(first); rest != R_NilValue; rest = CDR(rest)) use(CAR(rest));
  }
}

void Walk::use_method(SEXP args) {
  out_.calls_closures = true;
  arguments(args);
  if (args == R_NilValue || TYPEOF(CAR(args)) != STRSXP || XLENGTH(CAR(args)) != 1) return;
  out_.generics.push_back(STRING_ELT(CAR(args), 0));
}

// `x %>% f` calls f(x); `x %>% f(., n)` has `.` bound by the pipe.
void Walk::pipe(SEXP, SEXP args) {
  out_.calls_closures = true;
  if (args == R_NilValue) return;
  node(CAR(args));
  const SEXP step = second(args);
  argument(step);
  if (TYPEOF(step) == SYMSXP) use_function_weakly(step);
}

}  // namespace elsewhere
