// switch() with a pause or a goto() in it.
#include "bridge/eval/compile.h"

namespace elsewhere::eval {
namespace {

constexpr int kArmsMax = 256;

// A goto() that belongs to this switch: not to one further in.
bool has_goto(const FactTable& facts, SEXP arms) {
  for (; arms != R_NilValue; arms = CDR(arms)) {
    if (facts.has(CAR(arms), kHasGoto)) return true;
  }
  return false;
}

// The same switch() with the number of each arm in its place: R chooses by it.
SEXP numbered(SEXP call) {
  SEXP copy = PROTECT(Rf_shallow_duplicate(call));
  SETCADR(copy, R_NilValue);
  int number = 0;
  for (SEXP rest = CDDR(copy); rest != R_NilValue; rest = CDR(rest), ++number) {
    if (CAR(rest) == R_DotsSymbol) build_error("its alternatives cannot be `...`", call);
    if (CAR(rest) != R_MissingArg) SETCAR(rest, Rf_ScalarInteger(number));
  }
  if (number > kArmsMax) build_error("it has more than 256 alternatives", call);
  UNPROTECT(1);
  return copy;
}

}  // namespace

// EXPR, then a table of jumps, one an arm, then the arms.
bool compile_switch(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  if (CDR(call) == R_NilValue) build_error("it has no EXPR", call);
  const SEXP arms = CDDR(call);
  const int count = Rf_length(arms);
  const bool is_target = has_goto(c.facts, arms);
  SEXP chooser = PROTECT(numbered(call));
  int setup = -1;
  if (is_target) {
    setup = a.emit(Op::SwitchSetup);
    a.set_b(setup, a.here());
    ++c.switches;
  }
  compile(c, CADR(call));
  const int table = a.emit(Op::SwitchTable, a.constant(chooser), 0, is_target);
  UNPROTECT(1);
  if (is_target) a.set_a(setup, table);
  const int first = a.here();
  for (int i = 0; i < count; ++i) a.emit(Op::Jump);
  int ends[kArmsMax] = {};
  int i = 0;
  for (SEXP rest = arms; rest != R_NilValue; rest = CDR(rest), ++i) {
    ends[i] = -1;
    if (CAR(rest) == R_MissingArg) continue;
    a.set_a(first + i, a.here());
    compile(c, CAR(rest));
    ends[i] = a.emit(Op::Jump);
  }
  a.set_b(table, a.here());
  push_invisible_null(c);
  for (i = 0; i < count; ++i) {
    if (ends[i] >= 0) a.set_a(ends[i], a.here());
  }
  if (!is_target) return true;
  --c.switches;
  a.emit(Op::SwitchEnd);
  return true;
}

// goto(label) runs the arm of that name or number, goto() EXPR again.
bool compile_goto(Compiler& c, SEXP call) {
  if (c.switches == 0) build_error("goto() belongs in an alternative of switch()", call);
  const bool has_label = CDR(call) != R_NilValue;
  if (has_label) {
    if (CDDR(call) != R_NilValue) build_error("goto() takes one label", call);
    compile(c, CADR(call));
  }
  c.assembler.emit(Op::Goto, has_label);
  return true;
}

}  // namespace elsewhere::eval
