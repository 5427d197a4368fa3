// switch() with a pause in it.
#include "bridge/eval/compile.h"
#include "bridge/eval/words.h"

namespace elsewhere::eval {
namespace {

constexpr int kArmsMax = 256;

}  // namespace

// EXPR, then a table of jumps, one an arm, then the arms. An empty arm jumps
// where the next one does.
void compile_switch(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  const SEXP arms = CDDR(call);
  const int count = Rf_length(arms);
  if (CDR(call) == R_NilValue || count > kArmsMax) {
    build_error("switch() needs EXPR, and at most 256 alternatives", call);
  }
  compile(c, CADR(call));
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  int i = 0;
  for (SEXP rest = arms; rest != R_NilValue; rest = CDR(rest), ++i) {
    SET_STRING_ELT(names, i, TAG(rest) == R_NilValue ? R_BlankString : PRINTNAME(TAG(rest)));
  }
  const int table = a.emit(Op::SwitchTable, a.constant(names), 0, a.constant(call));
  UNPROTECT(1);
  const int first = a.here();
  for (i = 0; i < count; ++i) a.emit(Op::Jump);
  int ends[kArmsMax];
  int waiting = 0;  // empty arms before this one, which fall through to it
  i = 0;
  for (SEXP rest = arms; rest != R_NilValue; rest = CDR(rest), ++i) {
    ends[i] = -1;
    ++waiting;
    if (CAR(rest) == R_MissingArg) continue;
    for (; waiting > 0; --waiting) a.set_a(first + i - waiting + 1, a.here());
    compile(c, CAR(rest));
    ends[i] = a.emit(Op::Jump);
  }
  a.set_b(table, a.here());
  for (; waiting > 0; --waiting) a.set_a(first + count - waiting, a.here());
  a.emit(Op::Const, a.constant(R_NilValue));
  a.emit(Op::Invisible);
  for (i = 0; i < count; ++i) {
    if (ends[i] >= 0) a.set_a(ends[i], a.here());
  }
}

}  // namespace elsewhere::eval
