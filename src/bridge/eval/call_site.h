// A call whose arguments pause: what the compiler notes for the machine.
#pragma once

#include <Rinternals.h>

namespace elsewhere::eval {

enum SiteSlot { kSiteCall, kSiteHoles, kSiteKinds, kSiteSlots };

// Where an argument of a strictly called function comes from.
enum class ArgumentKind : int {
  InPlace,  // left in the call
  Value,    // the next value on the stack
  Dots      // the next value on the stack is a list to splice in
};

// `value` as it can stand in a call and evaluate to itself. Not protected.
SEXP as_literal(SEXP value);

// A promise object that has the value already and shows `expr` to substitute().
SEXP forced_promise(SEXP expr, SEXP value);

// The call with the values in place; not protected. `values` points to the
// first of them on the value stack, which keeps them alive.
SEXP fill_strict(SEXP site, SEXP callee, SEXP values, int first);
SEXP fill_lazy(SEXP site, SEXP callee, SEXP values, int first);
SEXP fill_replacement(SEXP site, SEXP value, SEXP values, int first);

}  // namespace elsewhere::eval
