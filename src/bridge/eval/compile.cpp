#include "bridge/eval/compile.h"

#include <R_ext/Utils.h>

#include "bridge/eval/hooks.h"
#include "bridge/eval/hot_loops.h"
#include "bridge/eval/symbols.h"
#include "bridge/eval/word_table.h"

namespace elsewhere::eval {
namespace {

// tryCatch(x, error = "value") or (x, error = break): forms that base R does not
// have, so the machine must run them even where nothing pauses.
bool has_plain_handler(SEXP call) {
  if (CAR(call) != symbols().try_catch) return false;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    const SEXP tag = TAG(rest);
    if (tag == R_NilValue || tag == symbols().expr || tag == symbols().finally) continue;
    const SEXP handler = CAR(rest);
    const int type = TYPEOF(handler);
    if (type == NILSXP || type == LGLSXP || type == INTSXP || type == REALSXP || type == STRSXP) {
      return true;
    }
    if (type != LANGSXP) continue;
    if (row_of(CAR(handler)).is(kJump) || CAR(handler) == symbols().goto_) return true;
  }
  return false;
}

void compile_sequence(Compiler& c, SEXP statements, SEXP srcrefs) {
  if (statements == R_NilValue) {
    push_null(c);
    return;
  }
  // The first srcref is that of the brace.
  for (int i = 1; statements != R_NilValue; statements = CDR(statements), ++i) {
    if (i < Rf_length(srcrefs)) c.assembler.at_line(VECTOR_ELT(srcrefs, i));
    compile(c, CAR(statements));
    if (CDR(statements) != R_NilValue) c.assembler.emit(Op::Pop);
  }
}

bool may_be_hot(Compiler& c, SEXP call) {
  constexpr unsigned kMachines = kPauses | kReturns | kBreaks | kHasOpenFor;
  return !pauses(c, call) && !c.facts.has(call, kMachines) && may_be_compiled(c, call);
}

void compile_loop(Compiler& c, SEXP condition, SEXP call, SEXP body) {
  Assembler& a = c.assembler;
  const bool is_hot = may_be_hot(c, call);
  const int site = is_hot ? loop_site(c, call) : -1;
  const int leaf = is_hot ? a.emit(Op::LoopLeaf, site) : -1;
  const int setup = a.emit(Op::LoopSetup, 0, 0, condition == nullptr ? 2 : 1);
  a.set_b(setup, a.here());
  const int round = is_hot ? a.emit(Op::LoopRound, site) : -1;
  int test = -1;
  if (condition != nullptr) {
    compile(c, condition);
    test = a.emit(Op::JumpIfNot, 0, a.constant(call), 1);
  }
  ++c.loops;
  compile(c, body);
  --c.loops;
  a.emit(Op::Pop);
  a.emit(Op::Jump, setup + 1);
  if (test >= 0) a.set_a(test, a.here());
  a.set_a(setup, a.here());
  a.emit(Op::LoopEnd, 0);
  push_invisible_null(c);
  if (!is_hot) return;
  a.set_b(leaf, a.here());
  a.set_b(round, a.here());
}

// Is what `expr` gives nobody else's? Then a loop over it closes it when it is
// left early. A variable, or a part of something, may be gone through further.
bool makes_sequence(SEXP expr) {
  while (TYPEOF(expr) == LANGSXP && CAR(expr) == symbols().paren) expr = CADR(expr);
  return TYPEOF(expr) == LANGSXP && !row_of(CAR(expr)).is(kPart);
}

// R does not tell whether a value was visible; these calls do.
bool gives_invisibly(SEXP expr) {
  while (TYPEOF(expr) == LANGSXP && CAR(expr) == symbols().brace && CDR(expr) != R_NilValue) {
    expr = CAR(Rf_nthcdr(expr, Rf_length(expr) - 1));
  }
  return TYPEOF(expr) == LANGSXP && row_of(CAR(expr)).is(kQuiet);
}

bool needs_machine(Compiler& c, SEXP call) {
  return pauses(c, call) || c.facts.has(call, kReturns | kBreaks | kHasLoop) ||
         has_plain_handler(call);
}

bool is_worth_sharing(const Compiler& c, SEXP call) {
  if (!head_row(call).is(kPause)) return pauses(c, call) && runs_as_a_whole(c, call);
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    if (pauses(c, CAR(rest))) return true;
  }
  return false;
}

SEXP frame_words_in(const FactTable& facts, SEXP expr, SEXP env) {
  if (!facts.has(expr, kAsksFrame)) return expr;
  R_CheckStack();
  SEXP copy = PROTECT(Rf_shallow_duplicate(expr));
  for (SEXP rest = copy; rest != R_NilValue; rest = CDR(rest)) {
    SETCAR(rest, frame_words_in(facts, CAR(rest), env));
  }
  if (head_row(expr).is(kFrameWord)) {
    SEXP quoted = PROTECT(Rf_lang2(hooks().quote, copy));
    SEXP word = PROTECT(Rf_ScalarString(PRINTNAME(head_word(expr))));
    SEXP pauses = PROTECT(Rf_ScalarLogical(facts.has(expr, kPauses)));
    copy = Rf_eval(PROTECT(Rf_lang5(hooks().frame_word, word, quoted, env, pauses)), R_BaseEnv);
    UNPROTECT(4);
  }
  UNPROTECT(1);
  return copy;
}

}  // namespace

bool pauses(const Compiler& c, SEXP expr) {
  return c.facts.has(expr, c.exits_pause ? kPauses | kReachesOnExit : kPauses);
}

void push_null(Compiler& c) { c.assembler.emit(Op::Const, c.assembler.constant(R_NilValue)); }

void push_invisible_null(Compiler& c) {
  push_null(c);
  c.assembler.emit(Op::Invisible);
}

bool compile_paren(Compiler& c, SEXP call) {
  compile(c, CADR(call));
  return true;
}

bool compile_brace(Compiler& c, SEXP call) {
  const SEXP srcrefs = Rf_getAttrib(call, symbols().srcref);
  compile_sequence(c, CDR(call), TYPEOF(srcrefs) == VECSXP ? srcrefs : R_NilValue);
  return true;
}

bool compile_if(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  compile(c, CADR(call));
  const int test = a.emit(Op::JumpIfNot, 0, a.constant(call));
  compile(c, CADDR(call));
  const int over = a.emit(Op::Jump);
  a.set_a(test, a.here());
  if (CDDDR(call) == R_NilValue) {
    push_invisible_null(c);
  } else {
    compile(c, CADDDR(call));
  }
  a.set_a(over, a.here());
  return true;
}

bool compile_while(Compiler& c, SEXP call) {
  compile_loop(c, CADR(call), call, CADDR(call));
  return true;
}

bool compile_repeat(Compiler& c, SEXP call) {
  compile_loop(c, nullptr, call, CADR(call));
  return true;
}

bool compile_break(Compiler& c, SEXP) {
  if (c.loops > 0) c.assembler.emit(Op::Break);
  return c.loops > 0;
}

bool compile_next(Compiler& c, SEXP) {
  if (c.loops > 0) c.assembler.emit(Op::Next);
  return c.loops > 0;
}

void compile_iteration(Compiler& c, int variable, SEXP sequence, SEXP body) {
  Assembler& a = c.assembler;
  if (variable >= 0) {  // as R: it stays NULL if there is no item
    push_null(c);
    a.emit(Op::Assign, variable);
    a.emit(Op::Pop);
  }
  const int setup = a.emit(Op::ForSetup, 0, 0, makes_sequence(sequence));
  a.set_b(setup, a.here());
  const int step = a.emit(Op::ForNext, variable);
  const int take = a.emit(Op::ForTake, variable);
  if (body == nullptr) {
    a.emit(Op::Yield);
  } else {
    ++c.loops;
    compile(c, body);
    --c.loops;
  }
  a.emit(Op::Pop);
  a.emit(Op::Jump, step);
  a.set_b(step, a.here());
  a.set_b(take, a.here());
  a.set_a(setup, a.here());
  a.emit(Op::LoopEnd, 1);
  push_invisible_null(c);
}

bool compile_for(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  const SEXP body = CADDDR(call);
  if (TYPEOF(CADR(call)) != SYMSXP) build_error("the variable of a for loop must be a name", call);
  compile(c, CADDR(call));
  const bool is_leaf_body = !pauses(c, body) && !c.facts.has(body, kReturns | kHasOpenFor);
  int check = -1;
  if (is_leaf_body) check = a.emit(Op::ForCheck, 0, loop_site(c, call));
  compile_iteration(c, a.constant(CADR(call)), CADDR(call), body);
  if (check >= 0) a.set_a(check, a.here());
  return true;
}

bool compile_assignment(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  SEXP target = CADR(call);
  if (TYPEOF(target) == STRSXP && Rf_length(target) == 1) {
    target = Rf_installTrChar(STRING_ELT(target, 0));
  }
  if (TYPEOF(target) != SYMSXP) {
    compile_replacement(c, call);
    return true;
  }
  a.emit(Op::Target, a.constant(target));
  compile(c, CADDR(call));
  const Op op = CAR(call) == symbols().assign_outer ? Op::AssignOuter : Op::Assign;
  a.emit(op, a.constant(target));
  a.emit(Op::Invisible);
  return true;
}

bool compile_logic(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  const int is_or = head_word(call) == symbols().or_;
  compile(c, CADR(call));
  const int left = a.emit(Op::Left, 0, is_or, a.constant(call));
  compile(c, CADDR(call));
  a.emit(Op::Right, 0, is_or, a.constant(call));
  a.set_a(left, a.here());
  return true;
}

bool compile_return(Compiler& c, SEXP call) {
  if (CDR(call) == R_NilValue) {
    push_null(c);
  } else {
    compile(c, CADR(call));
  }
  c.assembler.emit(Op::Return);
  return true;
}

void build_error(const char* problem, SEXP culprit) {
  SEXP text = PROTECT(Rf_mkString(problem));
  SEXP quoted = PROTECT(Rf_lang2(hooks().quote, culprit));
  Rf_eval(PROTECT(Rf_lang3(hooks().build_error, text, quoted)), R_GlobalEnv);
  Rf_error("%s", problem);  // the call above does not return
}

void compile_leaf(Compiler& c, SEXP expr) {
  const int type = TYPEOF(expr);
  const bool is_code = type == LANGSXP || type == SYMSXP || type == PROMSXP || type == BCODESXP;
  c.assembler.emit(is_code ? Op::Eval : Op::Const, c.assembler.constant(expr), is_code ? 0 : 1);
  if (gives_invisibly(expr)) c.assembler.emit(Op::Invisible);
}

bool compile_by_row(Compiler& c, SEXP call) {
  const Row& row = head_row(call);
  if (row.compile == nullptr) return false;
  if (row.is(kHandler) && !is_base_function(c.env, head_word(call))) return false;
  const int count = Rf_length(CDR(call));
  if (count < row.least || count > row.most) {
    build_error("it has the wrong number of arguments", call);
  }
  if (row.compile(c, call)) return true;
  if (row.is(kHandler) && pauses(c, call)) {
    build_error("its arguments must be written out: no `...`, and at most 32 handlers", call);
  }
  return false;
}

void compile(Compiler& c, SEXP expr) {
  R_CheckStack();
  ++c.assembler.steps;
  if (TYPEOF(expr) != LANGSXP || !needs_machine(c, expr)) {
    compile_leaf(c, expr);
    return;
  }
  if (c.shared > 0 && is_worth_sharing(c, expr)) {
    compile_shared(c, expr);
  } else if (compile_by_row(c, expr)) {
    return;
  } else if (pauses(c, expr)) {
    compile_call(c, expr);
  } else {
    compile_leaf(c, expr);
  }
}

SEXP with_frame_words(SEXP expr, SEXP env) {
  SEXP roots = PROTECT(Rf_allocVector(VECSXP, FactTable::kRoots));
  FactTable facts(roots, env);
  facts.look_at(expr);
  SEXP made = frame_words_in(facts, expr, env);
  UNPROTECT(1);
  return made;
}

SEXP compile_body(SEXP expr, SEXP env, CompileOptions options) {
  SEXP roots = PROTECT(Rf_allocVector(VECSXP, Assembler::kRoots));
  SEXP fact_roots = PROTECT(Rf_allocVector(VECSXP, FactTable::kRoots));
  Compiler c{Assembler(roots), FactTable(fact_roots, env), env, options};
  const SEXP source = expr;
  c.facts.look_at_body(source);
  const bool needs_frame = c.facts.has(source, kNeedsFrame);
  expr = PROTECT(frame_words_in(c.facts, source, env));
  c.assembler.constant(expr);  // the code points into it
  c.facts.look_at(expr);
  compile_with_exits(c, expr);
  c.assembler.emit(Op::Finish);
  const bool needs_eval = c.facts.has(expr, kReturnsInArgument | kHasOnExit);
  const bool parks = c.facts.has(expr, kMaySetExit);
  const bool is_plain = !parks && !needs_eval && !c.facts.has(expr, kJumpsInArgument);
  c.assembler.steps += c.facts.looks();
  SEXP program = c.assembler.finish(source, needs_eval, needs_frame, parks, is_plain);
  UNPROTECT(3);
  return program;
}

}  // namespace elsewhere::eval
