// The words that mean more to the evaluator than a call of a function: one row each.
// A new pausable construct is a row and the function that compiles it. C++ finds a
// row by its symbol, R asks for names by role (words_with()). Main thread only; the
// table is made once by init_word_table().
#pragma once

#include <Rinternals.h>

namespace elsewhere::eval {

struct Compiler;

enum Role : unsigned {
  kFlow = 1U << 0,              // decides what of its arguments runs, so it is run as a whole
  kStatements = 1U << 1,        // a jump in its arguments is one of the body itself
  kLoop = 1U << 2,              //
  kJump = 1U << 3,              // break, next, return
  kHandler = 1U << 4,           // base R's, which the machine stands in for
  kPause = 1U << 5,             // only the machine can run it
  kAwaits = 1U << 6,            // a pause of async() and stream()
  kYields = 1U << 7,            // a pause of gen() and stream()
  kOpaque = 1U << 8,            // what is inside does not run as part of the body
  kBlock = 1U << 9,             // opaque, but may ask for the function around it
  kScope = 1U << 10,            // what is inside has an on.exit() and loops of its own
  kFrameWord = 1U << 11,        // asks R for the call it runs in (R/async-frame-words.R)
  kReadsFrame = 1U << 12,       // sees whether code is run as it is written
  kHarmlessForExit = 1U << 13,  // cannot set an on.exit() in the body's frame
  kWatcher = 1U << 14,          // acts while its argument is evaluated
  kSequence = 1U << 15,         // gives a vector or list: nothing to wait for
  kQuiet = 1U << 16,            // gives its value invisibly
  kPart = 1U << 17,             // gives what others may hold
  kTakesHandlers = 1U << 18,    // its function(e) may pause: the machine runs it
  kTakesTasks = 1U << 19,       // makes an async function of one that pauses
  kStrict = 1U << 20,           // a special of R that evaluates its arguments
};

struct Row {
  const char* name = nullptr;
  unsigned roles = 0;
  int least = 0, most = 0;  // arguments: call() makes what the parser does not
  // False where it cannot: its arguments are not written out, say.
  bool (*compile)(Compiler& c, SEXP call) = nullptr;

  bool is(unsigned role) const { return (roles & role) != 0; }
};

void init_word_table();

// A row without a role for what is no word.
const Row& row_of(SEXP symbol);
// That of a call's head: `await` for await(x) and for elsewhere::await(x),
// async::await(x) or base::await(x).
const Row& head_row(SEXP call);
// What the name of a call's head is in any package, for what hides its arguments.
const Row& any_head_row(SEXP call);
SEXP head_word(SEXP call);  // the symbol of the former; nullptr for anything else

bool is_opaque(SEXP call);

// The names that have the role of that name, or, for "pausable", a compile function.
SEXP words_with(const char* role);

}  // namespace elsewhere::eval
