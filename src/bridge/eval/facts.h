// What the compiler must know of an expression before it makes code of it, found for
// every call of a body in one pass. A fact is about the call and what is inside; where
// it may be seen from outside (past a function, a quote, a loop) is decided here, once.
//
// The facts lie in an R vector, so that an R error in the middle leaves nothing
// behind. Main thread, inside r_call().
#pragma once

#include <Rinternals.h>

namespace elsewhere::eval {

struct Row;

enum Fact : unsigned {
  // What of it the machine must run.
  kPauses = 1U << 0,
  kReachesOnExit = 1U << 1,  // would pause if on.exit() did
  kReturns = 1U << 2,        // leaves the body, as a statement of it
  kBreaks = 1U << 3,         // leaves the loop around it, as a statement
  kHasLoop = 1U << 4,        // as a statement
  kHasOpenFor = 1U << 5,     // a for loop that might wait, anywhere
  kHasGoto = 1U << 6,        // to the switch() around it
  kHasOnExit = 1U << 7,      // for the scope around it
  kHasPausingOnExit = 1U << 8,
  // A jump that R may force anywhere, as it stands in an argument of an ordinary call.
  kReturnsInArgument = 1U << 9,
  kJumpsInArgument = 1U << 10,
  kMentionsReturn = 1U << 11,  // the two above if the call is an argument itself
  kMentionsJump = 1U << 12,
  // What R code in it may see or do.
  kAsksFrame = 1U << 13,     // by a word of R/async-frame-words.R
  kNeedsFrame = 1U << 14,    // the same, or a block of ours in it does
  kReadsFrames = 1U << 15,   // a browser, say: code must stay as it is written
  kMaySetExit = 1U << 16,    // an on.exit() in the body's frame
  kMentionsLoop = 1U << 17,  // anywhere
  kMentionsDot = 1U << 18,   // `.`, for pipes
};

class FactTable {
 public:
  // `roots` must be a protected VECSXP of kRoots elements. `env`: what names mean.
  enum { kEntries, kRoots };
  FactTable(SEXP roots, SEXP env);

  // Looks at a body, and refuses a pause in a function that is written in it.
  void look_at_body(SEXP body);
  // Looks at a call that the compiler has made, of parts that are known or new.
  // Whoever made it keeps it alive as long as the table.
  void look_at(SEXP expr);

  // 0 for what is not a call. An error for a call that nobody has looked at.
  unsigned of(SEXP expr) const;
  bool has(SEXP expr, unsigned facts) const { return (of(expr) & facts) != 0; }

  // Where the code of a call is that several places share; -1: nowhere yet.
  int label(SEXP call) const;
  void set_label(SEXP call, int label);

  // The pauses of `call` are those of this call inside; itself at first.
  SEXP pauses_at(SEXP call) const;
  void set_pauses_at(SEXP call, SEXP inner);

  int looks() const { return looks_; }

 private:
  struct Entry {
    SEXP call;
    SEXP pauses_at;
    unsigned facts;
    int label;
  };
  Entry* entries() const;
  Entry& place_of(SEXP call) const;
  Entry& known(SEXP call) const;
  void add(SEXP call, unsigned facts);
  void grow();
  void visit(SEXP expr, bool is_checked);
  unsigned facts_of(SEXP call) const;
  unsigned own_facts(SEXP call, const Row& head, unsigned inside) const;
  unsigned handler_pauses(SEXP call) const;
  void refuse_pause_inside(SEXP call, SEXP child) const;
  bool is_ordinary_sequence(SEXP expr) const;

  SEXP roots_;
  SEXP env_;
  int count_ = 0;
  int looks_ = 0;
};

// Does evaluating code in the place of `expr` pause, as far as its text says?
bool would_pause(SEXP expr);

// Is this what `word` means from `env` on?
bool is_base_function(SEXP env, SEXP word);

}  // namespace elsewhere::eval
