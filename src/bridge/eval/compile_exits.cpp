// on.exit() with a pause in what it registers. R cannot stop in the middle of
// running that, so the machine runs it: for a scope in which one on.exit()
// pauses, all that stand in its text. Those that a function sets from outside
// (withr::defer()) stay R's, and run after them.
#include <initializer_list>

#include "bridge/eval/compile.h"
#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

struct ExitParts {
  SEXP expr = nullptr;
  SEXP add = nullptr;
  SEXP after = nullptr;
};

ExitParts take_apart(SEXP call) {
  const Symbols& w = symbols();
  ExitParts parts;
  SEXP unnamed[3];
  int count = 0;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    const SEXP tag = TAG(rest);
    if (CAR(rest) == R_DotsSymbol || (tag == R_NilValue && count == 3)) {
      build_error("its arguments are not `expr`, `add` and `after`", call);
    }
    if (tag == w.expr) {
      parts.expr = CAR(rest);
    } else if (tag == w.add) {
      parts.add = CAR(rest);
    } else if (tag == w.after) {
      parts.after = CAR(rest);
    } else {
      unnamed[count++] = CAR(rest);
    }
  }
  int next = 0;
  for (SEXP* part : {&parts.expr, &parts.add, &parts.after}) {
    if (*part == nullptr && next < count) *part = unnamed[next++];
  }
  return parts;
}

void compile_flag(Compiler& c, SEXP expr, bool otherwise) {
  if (expr == nullptr) {
    c.assembler.emit(Op::Const, c.assembler.constant(Rf_ScalarLogical(otherwise)));
  } else {
    compile(c, expr);
  }
}

}  // namespace

// The stack at `leave` and in the code it goes to: what is due (a vector of code
// positions), the value, the completion.
void compile_with_exits(Compiler& c, SEXP expr) {
  Assembler& a = c.assembler;
  const bool pauses_outside = c.exits_pause;
  const int exits_merge = c.exits_merge;
  const unsigned pausing = pauses_outside ? kHasOnExit : kHasPausingOnExit;
  c.exits_pause = c.facts.has(expr, pausing) && is_base_function(c.env, symbols().on_exit);
  if (!c.exits_pause) {
    compile(c, expr);
  } else {
    const int setup = a.emit(Op::ExitsSetup);
    const int over = a.emit(Op::Jump);
    c.exits_merge = a.here();
    a.emit(Op::ExitsMerge);
    const int leave = a.here();
    a.set_a(setup, leave);
    const int next = a.emit(Op::ExitsNext, 0, c.exits_merge);
    a.set_a(over, a.here());
    compile(c, expr);
    a.emit(Op::FinallyPop);
    a.emit(Op::Jump, leave);
    a.set_a(next, a.here());
    a.emit(Op::FinallyEnd);
    a.emit(Op::DropUnder);
  }
  c.exits_pause = pauses_outside;
  c.exits_merge = exits_merge;
}

// What is registered stands here, and is jumped over. Where nothing of it pauses, it
// is R's.
bool compile_on_exit(Compiler& c, SEXP call) {
  if (!c.exits_pause) return false;
  Assembler& a = c.assembler;
  const ExitParts parts = take_apart(call);
  compile_flag(c, parts.add, false);
  compile_flag(c, parts.after, true);
  const int add = a.emit(Op::ExitsAdd, -1);
  const int over = a.emit(Op::Jump);
  if (parts.expr != nullptr) {
    a.set_a(add, a.here());
    const int loops = c.loops;
    const int switches = c.switches;
    c.loops = c.switches = 0;
    compile(c, parts.expr);
    c.loops = loops;
    c.switches = switches;
    a.emit(Op::FinallyPop);
    a.emit(Op::Jump, c.exits_merge);
  }
  a.set_a(over, a.here());
  push_invisible_null(c);
  return true;
}

}  // namespace elsewhere::eval
