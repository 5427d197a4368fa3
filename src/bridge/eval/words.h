// The symbols the compiler and the machine know, and what they mean for a call:
// does it pause, is it control flow of ours, does it hide what is inside.
// Main thread only. Interned once by init_words().
#pragma once

#include <Rinternals.h>

namespace elsewhere::eval {

struct Words {
  SEXP await, yield, await_next, yield_from, brace, paren, if_, for_, while_, repeat, break_, next,
      return_, assign, assign_equal, assign_outer, and_, or_, function, tilde, switch_, goto_,
      try_catch, try_, local, with_calling_handlers, suppress_warnings, suppress_messages,
      with_restarts, on_exit, quote, double_colon, triple_colon, expr, finally, value, dot_call,
      elsewhere, async, base, add, after, invisible, error, envir, classes, silent, next_or,
      bracket, bracket2, err, or_argument, dollar, at;
};

const Words& words();
void init_words();

// The symbol a call's head amounts to: `await` for await(x) and for
// elsewhere::await(x) or async::await(x); nullptr for anything else.
SEXP head_word(SEXP call);

// Does evaluating `expr` pause, as far as its text says? Looks into arguments,
// not into nested functions, quotes or other tasks.
bool contains_pause(SEXP expr);
// While a scope is compiled whose on.exit() the machine runs, a call of that
// counts as a pause.
extern bool on_exit_pauses;

// Has it a break, next or return that would leave `expr` itself?
bool contains_jump(SEXP expr);
// The same for the body of a loop, and code around that.
bool contains_jump_past_loop(SEXP body);

// Does it ask R for the call it runs in: sys.call(), match.arg(x), missing(x) ...?
bool asks_for_frame(SEXP expr);

// A return() written as an argument of an ordinary call, which R may force
// anywhere (or never).
bool has_return_in_argument(SEXP expr);
// The same for break and next, too.
bool has_jump_in_argument(SEXP expr);

// Could evaluating `expr` set an on.exit() in the body's frame? No, where all it
// calls is arithmetic and the like; then there is nothing to put away at a pause.
bool may_set_on_exit(SEXP expr);

// What is inside such a call is not run as part of the body: quote(), nested
// async(), ...
bool is_opaque(SEXP call);

// Words that only the machine can run: those that pause, and goto().
bool is_pause_word(SEXP word);

}  // namespace elsewhere::eval
