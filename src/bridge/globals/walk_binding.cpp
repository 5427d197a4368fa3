// Forms that bind or unbind names.
#include "bridge/globals/walk.h"
#include "bridge/guard.h"

namespace elsewhere {

SEXP Walk::symbol_of(SEXP name) {
  if (TYPEOF(name) == SYMSXP) return name;
  if (TYPEOF(name) != STRSXP || XLENGTH(name) != 1 || LENGTH(STRING_ELT(name, 0)) == 0) {
    return nullptr;
  }
  return r_call(main_, [&] { return Rf_installTrChar(STRING_ELT(name, 0)); });
}

BoundTo Walk::bound_to(SEXP value) {
  switch (TYPEOF(value)) {
    case LANGSXP: return CAR(value) == known_.function ? BoundTo::Function : BoundTo::Anything;
    case SYMSXP: return BoundTo::Anything;
    case CLOSXP:
    case SPECIALSXP:
    case BUILTINSXP: return BoundTo::Function;
    default: return BoundTo::NoFunction;
  }
}

void Walk::assign(SEXP call) {
  const SEXP place = CADR(call), value = second(CDR(call));
  node(value);
  if (const SEXP symbol = symbol_of(place)) return scope_.bind(symbol, bound_to(value));
  target(place, true, false);
}

// Binds outside, never here; but where it is executed, a later read of the
// name finds something.
void Walk::super_assign(SEXP call) {
  const SEXP place = CADR(call), value = second(CDR(call));
  node(value);
  if (const SEXP symbol = symbol_of(place)) {
    if (!scope_.is_definite(symbol)) scope_.bind(symbol, bound_to(value));
    return;
  }
  target(place, true, true);
}

// The left side of `f(g(x), i) <- v`: reads x, calls g(), `g<-`() and `f<-`().
void Walk::target(SEXP place, bool is_outermost, bool is_super) {
  if (const SEXP symbol = symbol_of(place)) {
    if (is_super) {
      scope_.use_outer(symbol, weak_ > 0);
    } else {
      use_value(symbol);
    }
    scope_.bind(symbol, BoundTo::Anything);
    return;
  }
  if (TYPEOF(place) != LANGSXP) return node(place);
  const Deeper deeper(*this);
  ++out_.nodes;
  const SEXP head = CAR(place), args = CDR(place);
  bool is_component = false;
  if (TYPEOF(head) == SYMSXP) {
    is_component = form_of(main_, head) == Form::Component;
    out_.calls_closures = true;
    use_function(replacement_symbol(main_, head));
    if (!is_outermost) use_function(head);
  } else {
    node(head);  // pkg::name(x) <- v
  }
  if (args == R_NilValue) return;
  if (is_component) {
    if (TYPEOF(second(args)) == LANGSXP) argument(second(args));
  } else {
    arguments(CDR(args));
  }
  target(CAR(args), false, is_super);
}

void Walk::component(SEXP call) {
  const SEXP args = CDR(call);
  if (args == R_NilValue) return;
  node(CAR(args));
  if (TYPEOF(second(args)) == LANGSXP) argument(second(args));
}

void Walk::remove(SEXP arguments) {
  bool is_elsewhere = false;
  for (SEXP rest = arguments; rest != R_NilValue; rest = CDR(rest)) {
    if (TAG(rest) == known_.envir) is_elsewhere = true;
  }
  for (SEXP rest = arguments; rest != R_NilValue; rest = CDR(rest)) {
    const SEXP value = CAR(rest);
    if (TAG(rest) == known_.list && TYPEOF(value) == LANGSXP) {
      argument(value);
      continue;
    }
    const SEXP symbol =
        TAG(rest) == R_NilValue || TAG(rest) == known_.list ? symbol_of(value) : nullptr;
    if (symbol == nullptr) {
      argument(value);
      continue;
    }
    scope_.use_value(symbol, true);
    if (!is_elsewhere && weak_ == 0) scope_.unbind(symbol);
  }
}

void Walk::assign_by_name(SEXP args, bool is_delayed) {
  if (args == R_NilValue) return;
  out_.calls_closures = true;
  const bool has_environment = CDR(args) != R_NilValue && CDDR(args) != R_NilValue;
  const SEXP symbol = TYPEOF(CAR(args)) == STRSXP ? symbol_of(CAR(args)) : nullptr;
  if (is_delayed) {
    arguments(args);
  } else {
    strict_arguments(args);
  }
  if (symbol == nullptr) return;
  if (has_environment) {
    scope_.bind_maybe(symbol);
  } else {
    scope_.bind(symbol, bound_to(second(args)));
  }
}

// `v %<-% { ... }`: the expression runs elsewhere, in a scope of its own.
void Walk::future_assign(SEXP, SEXP place, SEXP value) {
  out_.calls_closures = true;
  const Scope::Frame frame = scope_.enter_block();
  node(value);
  scope_.leave_block(frame);
  if (const SEXP symbol = symbol_of(place)) return scope_.bind(symbol, BoundTo::Anything);
  target(place, true, false);
}

}  // namespace elsewhere
