// The symbols that the evaluator's code names: as tags of arguments, to build calls,
// or to compare with. What a word means for a call is in word_table.h. Main thread
// only. Interned once by init_symbols().
#pragma once

#include <Rinternals.h>

namespace elsewhere::eval {

struct Symbols {
  SEXP await, await_next, brace, paren, if_, for_, while_, switch_, return_, break_, next,
      assign_outer, and_, or_, function, tilde, try_catch, on_exit, goto_, yield, quote,
      double_colon, triple_colon, expr, finally, value, elsewhere, async, base, add, after, error,
      envir, classes, err, or_argument, dollar, at, dot, pipe, srcref, eval, new_env;
};

const Symbols& symbols();
void init_symbols();

}  // namespace elsewhere::eval
