// Forms that decide what is evaluated, how often, and in whose scope.
#include "bridge/globals/walk.h"

namespace elsewhere {

// Code that may not be evaluated: what it binds is only maybe bound after it.
void Walk::branch(SEXP code) {
  const auto mark = scope_.mark();
  const bool is_reachable = scope_.is_reachable();
  node(code);
  scope_.discard(mark, is_reachable);
}

void Walk::if_else(SEXP args) {
  node(CAR(args));
  const auto mark = scope_.mark();
  const Scope::End before{{}, scope_.is_reachable()};
  node(second(args));
  const Scope::End yes = scope_.take(mark);
  const SEXP rest = CDR(args) == R_NilValue ? R_NilValue : CDDR(args);
  if (rest == R_NilValue) return scope_.join(yes, before);
  scope_.join(before, before);
  node(CAR(rest));
  const Scope::End no = scope_.take(mark);
  scope_.join(yes, no);
}

void Walk::for_loop(SEXP args) {
  const SEXP variable = CAR(args);
  node(second(args));
  // Also bound, to NULL, when there was nothing to loop over.
  if (TYPEOF(variable) == SYMSXP) scope_.bind(variable, BoundTo::Anything);
  branch(CADDR(args));
}

void Walk::while_loop(SEXP args) {
  node(CAR(args));
  branch(second(args));
}

void Walk::repeat_loop(SEXP args) { branch(CAR(args)); }

void Walk::and_or(SEXP args) {
  node(CAR(args));
  branch(second(args));
}

void Walk::switch_over(SEXP args) {
  if (args == R_NilValue) return;
  node(CAR(args));
  for (SEXP rest = CDR(args); rest != R_NilValue; rest = CDR(rest)) branch(CAR(rest));
}

void Walk::leave(SEXP args) {
  strict_arguments(args);
  scope_.leave();
}

void Walk::local(SEXP args) {
  out_.calls_closures = true;
  bool is_first = true;
  for (SEXP rest = args; rest != R_NilValue; rest = CDR(rest)) {
    const bool is_code = TAG(rest) == known_.expr || (TAG(rest) == R_NilValue && is_first);
    if (!is_code) {
      argument(CAR(rest));
      continue;
    }
    is_first = false;
    const Scope::Frame frame = scope_.enter_block();
    node(CAR(rest));
    scope_.leave_block(frame);
  }
}

// foreach(i = 1:3) %:% foreach(j = f(i)) %dopar% body
void Walk::foreach_loop(SEXP, SEXP args) {
  out_.calls_closures = true;
  const Scope::Frame frame = scope_.enter_block();
  bind_iterators(CAR(args));
  argument(CAR(args));
  node(second(args));
  scope_.leave_block(frame);
}

void Walk::bind_iterators(SEXP call) {
  if (TYPEOF(call) != LANGSXP) return;
  if (CAR(call) == known_.colon_operator) {
    for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) bind_iterators(CAR(rest));
    return;
  }
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    const SEXP tag = TAG(rest);
    if (tag == R_NilValue || CHAR(PRINTNAME(tag))[0] == '.') continue;
    // The iterator's own source is evaluated outside.
    argument(CAR(rest));
    scope_.bind(tag, BoundTo::Anything);
  }
}

}  // namespace elsewhere
