// Loops in which nothing pauses. R compiles a function that runs often; a body that
// pauses is none, so the machine hands its loops to R's byte-code compiler when they
// have run often enough: a for loop before it begins, any other on its way, between
// two rounds. What R could tell from the loop it runs itself is left to that.
//
// Main thread, inside r_call().
#pragma once

#include "bridge/eval/compile.h"
#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// Is there nothing in `expr` that must be seen as it is written: a browser, a look at
// the frame, a jump that R forces somewhere?
bool may_be_compiled(const Compiler& c, SEXP expr);

// The constant of a loop: its call, its code when there is one, how often it ran.
int loop_site(Compiler& c, SEXP call);

// The loop's code if it has run `rounds` rounds more and is worth it by now, R's
// compiler is on and nobody watches the body; else nullptr. Kept by the site.
SEXP hot_code(const Coroutine& co, SEXP site, R_xlen_t rounds);
SEXP loop_call(SEXP site);

// Runs the code of a for loop over `sequence`.
void run_hot_for(const Coroutine& co, SEXP code, SEXP sequence);
// What such code asks for, once, as it begins.
SEXP take_sequence();

// Rounds before a loop is compiled, for tests; gives what it was.
int compile_loops_after(int rounds);

}  // namespace elsewhere::eval
