// The calls that make up the base context (base.h), as R evaluates them.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// while (drive(co, layer)) NULL
// Not protected.
SEXP drive_loop(const Coroutine& co, int layer);

// The base call, and in `scope` the environment to evaluate it in: what the call
// names is there base R's eval(), but that it takes any arguments, and has its own
// from around it. `goes_on` is one logical that stands in the code itself and that
// drive() sets.
SEXP base_call(const Coroutine& co, int layer, SEXP env, SEXP goes_on, SEXP* scope);

}  // namespace elsewhere::eval
