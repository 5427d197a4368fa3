#include "bridge/eval/compile.h"

#include <cstdio>

#include "bridge/eval/hooks.h"
#include "bridge/eval/hot_loops.h"
#include "bridge/eval/words.h"

namespace elsewhere::eval {
namespace {

// A for loop might go over a channel, and so pause, without a word of ours; other
// loops may become hot (hot_loops.h).
bool contains_loop(SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) return false;
  const SEXP head = CAR(expr);
  if (head == words().for_ || head == words().while_ || head == words().repeat) return true;
  if (!is_flow_word(head) && head != words().paren) return false;
  for (SEXP rest = CDR(expr); rest != R_NilValue; rest = CDR(rest)) {
    if (contains_loop(CAR(rest))) return true;
  }
  return false;
}

// Gives this call, as far as its text says, a vector or list: nothing that a loop
// would have to wait for?
bool is_ordinary_sequence(Compiler& c, SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) return TYPEOF(expr) != SYMSXP;
  static const char* const names[] = {":",     "seq_len",   "seq_along", "seq.int", "c",    "list",
                                      "names", "character", "numeric",   "integer", "which"};
  const SEXP head = CAR(expr);
  if (TYPEOF(head) != SYMSXP) return false;
  for (const char* name : names) {
    if (head == Rf_install(name)) return is_base_function(c, head);
  }
  return false;
}

// Has it a for loop that might wait, anywhere within?
bool contains_open_for(Compiler& c, SEXP expr) {
  if (TYPEOF(expr) != LANGSXP || is_opaque(expr)) return false;
  const SEXP head = CAR(expr);
  if (head == words().function) return false;
  if (head == words().for_ && Rf_length(expr) == 4 && !is_ordinary_sequence(c, CADDR(expr))) {
    return true;
  }
  for (SEXP rest = CDR(expr); rest != R_NilValue; rest = CDR(rest)) {
    if (contains_open_for(c, CAR(rest))) return true;
  }
  return false;
}

// tryCatch(x, error = "value") or (x, error = break): forms that base R does not
// have, so the machine must run them even where nothing pauses.
bool has_plain_handler(SEXP call) {
  if (CAR(call) != words().try_catch) return false;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    const SEXP tag = TAG(rest);
    if (tag == R_NilValue || tag == words().expr || tag == words().finally) continue;
    const SEXP handler = CAR(rest);
    const int type = TYPEOF(handler);
    if (type == NILSXP || type == LGLSXP || type == INTSXP || type == REALSXP || type == STRSXP) {
      return true;
    }
    if (type == LANGSXP) {
      const SEXP head = CAR(handler);
      if (head == words().break_ || head == words().next || head == words().return_ ||
          head == words().goto_) {
        return true;
      }
    }
  }
  return false;
}

[[noreturn]] void nested_error(SEXP culprit) {
  SEXP quoted = PROTECT(Rf_lang2(hooks().quote, culprit));
  Rf_eval(PROTECT(Rf_lang2(hooks().nested_error, quoted)), R_GlobalEnv);
  Rf_error("a pause in a function of its own");  // the call above does not return
}

void compile_sequence(Compiler& c, SEXP statements, SEXP srcrefs) {
  if (statements == R_NilValue) {
    c.assembler.emit(Op::Const, c.assembler.constant(R_NilValue));
    return;
  }
  // The first srcref is that of the brace.
  for (int i = 1; statements != R_NilValue; statements = CDR(statements), ++i) {
    if (i < Rf_length(srcrefs)) c.assembler.at_line(VECTOR_ELT(srcrefs, i));
    compile(c, CAR(statements));
    if (CDR(statements) != R_NilValue) c.assembler.emit(Op::Pop);
  }
}

void push_invisible_null(Compiler& c) {
  c.assembler.emit(Op::Const, c.assembler.constant(R_NilValue));
  c.assembler.emit(Op::Invisible);
}

void compile_if(Compiler& c, SEXP call) {
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
}

void compile_loop(Compiler& c, SEXP condition, SEXP call, SEXP body) {
  Assembler& a = c.assembler;
  const bool may_be_hot = !contains_pause(call) && !contains_jump(call) && may_be_compiled(call) &&
                          !contains_open_for(c, call);
  const int site = may_be_hot ? loop_site(c, call) : -1;
  const int leaf = may_be_hot ? a.emit(Op::LoopLeaf, site) : -1;
  const int setup = a.emit(Op::LoopSetup, 0, 0, condition == nullptr ? 2 : 1);
  a.set_b(setup, a.here());
  const int round = may_be_hot ? a.emit(Op::LoopRound, site) : -1;
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
  if (!may_be_hot) return;
  a.set_b(leaf, a.here());
  a.set_b(round, a.here());
}

// Is what `expr` gives nobody else's? Then a loop over it closes it when it is
// left early. A variable, or a part of something, may be gone through further.
bool makes_sequence(SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) return false;
  const Words& w = words();
  const SEXP head = CAR(expr);
  if (head == w.paren) return makes_sequence(CADR(expr));
  return head != w.dollar && head != w.at && head != w.bracket && head != w.bracket2 &&
         head != w.await;
}

// A loop over the sequence on top of the stack. Each item goes to `variable` (a
// constant; -1 leaves it on the stack), then `body` runs and leaves a value.
template <class Body>
void compile_iteration(Compiler& c, int variable, SEXP sequence, Body&& body) {
  Assembler& a = c.assembler;
  if (variable >= 0) {  // as R: it stays NULL if there is no item
    a.emit(Op::Const, a.constant(R_NilValue));
    a.emit(Op::Assign, variable);
    a.emit(Op::Pop);
  }
  const int setup = a.emit(Op::ForSetup, 0, 0, makes_sequence(sequence));
  a.set_b(setup, a.here());
  const int step = a.emit(Op::ForNext, variable);
  const int take = a.emit(Op::ForTake, variable);
  body();
  a.emit(Op::Pop);
  a.emit(Op::Jump, step);
  a.set_b(step, a.here());
  a.set_b(take, a.here());
  a.set_a(setup, a.here());
  a.emit(Op::LoopEnd, 1);
  push_invisible_null(c);
}

void compile_for(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  const SEXP body = CADDDR(call);
  if (TYPEOF(CADR(call)) != SYMSXP) build_error("the variable of a for loop must be a name", call);
  compile(c, CADDR(call));
  const bool is_leaf_body =
      !contains_pause(body) && !contains_jump_past_loop(body) && !contains_open_for(c, body);
  int check = -1;
  if (is_leaf_body) check = a.emit(Op::ForCheck, 0, loop_site(c, call));
  compile_iteration(c, a.constant(CADR(call)), CADDR(call), [&] {
    ++c.loops;
    compile(c, body);
    --c.loops;
  });
  if (check >= 0) a.set_a(check, a.here());
}

// for (x in source) yield(x), without the variable.
void compile_yield_from(Compiler& c, SEXP source) {
  compile(c, source);
  compile_iteration(c, -1, source, [&] { c.assembler.emit(Op::Yield); });
}

void compile_assignment(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  SEXP target = CADR(call);
  if (TYPEOF(target) == STRSXP && Rf_length(target) == 1) {
    target = Rf_installTrChar(STRING_ELT(target, 0));
  }
  if (TYPEOF(target) != SYMSXP) {
    compile_replacement(c, call);
    return;
  }
  a.emit(Op::Target, a.constant(target));
  compile(c, CADDR(call));
  const Op op = CAR(call) == words().assign_outer ? Op::AssignOuter : Op::Assign;
  a.emit(op, a.constant(target));
  a.emit(Op::Invisible);
}

void compile_logic(Compiler& c, SEXP call, int is_or) {
  Assembler& a = c.assembler;
  compile(c, CADR(call));
  const int left = a.emit(Op::Left, 0, is_or, a.constant(call));
  compile(c, CADDR(call));
  a.emit(Op::Right, 0, is_or, a.constant(call));
  a.set_a(left, a.here());
}

void compile_return(Compiler& c, SEXP call) {
  if (CDR(call) == R_NilValue) {
    c.assembler.emit(Op::Const, c.assembler.constant(R_NilValue));
  } else {
    compile(c, CADR(call));
  }
  c.assembler.emit(Op::Return);
}

SEXP argument_named(SEXP call, SEXP name) {
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    if (TAG(rest) == name) return CAR(rest);
  }
  return nullptr;
}

SEXP argument_unnamed(SEXP call, int position) {
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    const SEXP tag = TAG(rest);
    if (tag == words().error || tag == words().err || tag == words().or_argument) continue;
    if (position-- == 0) return CAR(rest);
  }
  return nullptr;
}

// What awaitNext(source, or) gives at the end.
SEXP argument_or(SEXP call) {
  const SEXP named = argument_named(call, words().or_argument);
  return named != nullptr ? named : argument_unnamed(call, 1);
}

void check_place(Compiler& c, SEXP word, SEXP call) {
  const BodyKind kind = c.options.kind;
  const bool awaits = word == words().await || word == words().await_next;
  if (awaits && (kind == BodyKind::Generator || kind == BodyKind::Run)) {
    build_error("await() belongs in async() or stream(), not in gen()", call);
  }
  if (!awaits && kind == BodyKind::Async) {
    build_error("yield() belongs in gen() or stream(), not in async()", call);
  }
}

// awaitNext(source, or, err) is tryCatch(awaitNext(source, or), error = err).
void compile_next_or_handler(Compiler& c, SEXP call, SEXP source, SEXP at_end, SEXP handler) {
  SEXP next = PROTECT(at_end == nullptr ? Rf_lang2(CAR(call), source)
                                        : Rf_lang3(CAR(call), source, at_end));
  SEXP guarded = PROTECT(Rf_lang3(words().try_catch, next, handler));
  SET_TAG(CDDR(guarded), words().error);
  c.assembler.constant(guarded);
  compile_handler_word(c, words().try_catch, guarded);
  UNPROTECT(2);
}

void compile_pause(Compiler& c, SEXP word, SEXP call) {
  if (word == words().goto_) {
    compile_goto(c, call);
    return;
  }
  if (word != words().next_or) check_place(c, word, call);
  Assembler& a = c.assembler;
  const SEXP operand = argument_unnamed(call, 0);
  if (operand == nullptr && word != words().yield) build_error("it needs an argument", call);
  SEXP handler = argument_named(call, words().error);
  if (handler == nullptr) handler = argument_named(call, words().err);
  if (handler == nullptr && word == words().await) handler = argument_unnamed(call, 1);
  if (handler == nullptr && word == words().await_next) handler = argument_unnamed(call, 2);
  if (word == words().await) {
    if (handler != nullptr) {
      compile_await_or(c, operand, handler);
    } else {
      compile(c, operand);
      a.emit(Op::Await, a.constant(call));
    }
  } else if (word == words().yield) {
    if (operand == nullptr) {
      a.emit(Op::Const, a.constant(R_NilValue));
    } else {
      compile(c, operand);
    }
    a.emit(Op::Yield);
  } else if (word == words().yield_from) {
    compile_yield_from(c, operand);
  } else {
    const SEXP at_end = argument_or(call);
    if (handler != nullptr) {
      compile_next_or_handler(c, call, operand, at_end, handler);
      return;
    }
    compile(c, operand);
    a.emit(Op::NextItem, a.constant(call), word == words().next_or);
    const int open = a.emit(Op::ItemOr, -1);
    if (at_end != nullptr) {
      const int over = a.emit(Op::Jump);
      a.set_a(open, a.here());
      compile(c, at_end);
      a.set_a(over, a.here());
    }
  }
}

// A handler of tryCatch() written in place may pause: the machine runs it.
bool is_handler_in_place(SEXP call, SEXP argument) {
  const SEXP word = head_word(call);
  const bool takes_handlers = word == words().try_catch || word == words().await ||
                              word == words().await_next || word == words().with_calling_handlers;
  return takes_handlers && Rf_length(CADR(argument)) == 1;
}

// These make an async function of one that pauses; see async_if_pausing() in R.
bool takes_tasks(SEXP call) {
  static const SEXP map = Rf_install("async_map"), group = Rf_install("task_group");
  const SEXP word = head_word(call);
  return word == map || word == group;
}

// A function written in the body is R's to call, and R cannot stop in the middle
// of it. Found now, it costs no surprise at run time.
void refuse_nested_pauses(SEXP expr, SEXP around) {
  if (TYPEOF(expr) != LANGSXP || is_opaque(expr)) return;
  const SEXP head = CAR(expr);
  if (head == words().function) {
    if (around != nullptr && (is_handler_in_place(around, expr) || takes_tasks(around))) {
      refuse_nested_pauses(CADDR(expr), nullptr);
    } else if (contains_pause(CADDR(expr))) {
      nested_error(around == nullptr ? expr : around);
    }
    return;
  }
  if (head == words().tilde) {
    for (SEXP rest = CDR(expr); rest != R_NilValue; rest = CDR(rest)) {
      if (contains_pause(CAR(rest))) nested_error(around == nullptr ? expr : around);
    }
    return;
  }
  for (SEXP rest = expr; rest != R_NilValue; rest = CDR(rest)) {
    refuse_nested_pauses(CAR(rest), expr);
  }
}

// The parser makes no calls of another length, but call() does.
void check_length(SEXP call, int least, int most) {
  const int count = Rf_length(CDR(call));
  if (count < least || count > most) build_error("it has the wrong number of arguments", call);
}

bool compile_syntax(Compiler& c, SEXP word, SEXP call) {
  const Words& w = words();
  if (word == w.brace) {
    const SEXP srcrefs = Rf_getAttrib(call, Rf_install("srcref"));
    compile_sequence(c, CDR(call), TYPEOF(srcrefs) == VECSXP ? srcrefs : R_NilValue);
  } else if (word == w.paren) {
    check_length(call, 1, 1);
    compile(c, CADR(call));
  } else if (word == w.if_) {
    check_length(call, 2, 3);
    compile_if(c, call);
  } else if (word == w.while_) {
    check_length(call, 2, 2);
    compile_loop(c, CADR(call), call, CADDR(call));
  } else if (word == w.repeat) {
    check_length(call, 1, 1);
    compile_loop(c, nullptr, call, CADR(call));
  } else if (word == w.for_) {
    check_length(call, 3, 3);
    compile_for(c, call);
  } else if (word == w.assign || word == w.assign_equal || word == w.assign_outer) {
    check_length(call, 2, 2);
    compile_assignment(c, call);
  } else if (word == w.and_ || word == w.or_) {
    check_length(call, 2, 2);
    compile_logic(c, call, word == w.or_);
  } else if (word == w.return_) {
    check_length(call, 0, 1);
    compile_return(c, call);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void build_error(const char* problem, SEXP culprit) {
  SEXP text = PROTECT(Rf_mkString(problem));
  SEXP quoted = PROTECT(Rf_lang2(hooks().quote, culprit));
  Rf_eval(PROTECT(Rf_lang3(hooks().build_error, text, quoted)), R_GlobalEnv);
  Rf_error("%s", problem);  // the call above does not return
}

bool needs_machine(SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) return false;
  return contains_pause(expr) || contains_jump(expr) || contains_loop(expr) ||
         has_plain_handler(expr);
}

// R does not tell whether a value was visible; these calls do.
bool gives_invisibly(SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) return false;
  const Words& w = words();
  const SEXP head = CAR(expr);
  if (head == w.brace && CDR(expr) != R_NilValue) {
    return gives_invisibly(CAR(Rf_nthcdr(expr, Rf_length(expr) - 1)));
  }
  return head == w.assign || head == w.assign_equal || head == w.assign_outer ||
         head == w.invisible || head == w.for_ || head == w.while_ || head == w.repeat;
}

void compile_leaf(Compiler& c, SEXP expr) {
  const int type = TYPEOF(expr);
  const bool is_code = type == LANGSXP || type == SYMSXP || type == PROMSXP || type == BCODESXP;
  c.assembler.emit(is_code ? Op::Eval : Op::Const, c.assembler.constant(expr), is_code ? 0 : 1);
  if (gives_invisibly(expr)) c.assembler.emit(Op::Invisible);
}

void compile(Compiler& c, SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) {
    compile_leaf(c, expr);
    return;
  }
  const Words& w = words();
  const SEXP head = CAR(expr);
  if ((head == w.break_ || head == w.next) && c.loops > 0) {
    c.assembler.emit(head == w.break_ ? Op::Break : Op::Next);
    return;
  }
  const bool is_jump = head == w.break_ || head == w.next;
  if (is_jump || !needs_machine(expr)) {
    compile_leaf(c, expr);
    return;
  }
  const SEXP word = head_word(expr);
  if (word != nullptr) {
    if (is_pause_word(word)) {
      if (c.shared > 0 && contains_pause(CDR(expr) == R_NilValue ? R_NilValue : CADR(expr))) {
        compile_shared(c, expr);
      } else {
        compile_pause(c, word, expr);
      }
      return;
    }
    if (word == w.next_or && contains_pause(expr)) {
      compile_pause(c, word, expr);
      return;
    }
    if (compile_syntax(c, word, expr)) return;
    if (compile_handler_word(c, word, expr)) return;
    if (is_handler_word(word) && contains_pause(expr) && is_base_function(c, word)) {
      build_error("its arguments must be written out: no `...`, and at most 32 handlers", expr);
    }
  }
  if (contains_pause(expr)) {
    compile_call(c, expr);
  } else {
    compile_leaf(c, expr);
  }
}

// compile_shared() lands here for the code itself.
void compile_pause_itself(Compiler& c, SEXP call) { compile_pause(c, head_word(call), call); }

SEXP compile_body(SEXP expr, SEXP env, CompileOptions options) {
  on_exit_pauses = false;  // an error may have left it behind
  refuse_nested_pauses(expr, nullptr);
  SEXP roots = PROTECT(Rf_allocVector(VECSXP, Assembler::kRoots));
  Compiler c{Assembler(roots), env, options};
  const SEXP source = expr;
  const bool needs_frame = asks_for_frame(expr);
  if (needs_frame) {
    SEXP quoted = PROTECT(Rf_lang2(hooks().quote, expr));
    expr = Rf_eval(PROTECT(Rf_lang3(hooks().frame_words, quoted, env)), R_BaseEnv);
    UNPROTECT(2);
    c.assembler.constant(expr);  // the code points into it
  }
  compile_with_exits(c, expr);
  c.assembler.emit(Op::Finish);
  const bool needs_eval = has_return_in_argument(expr) || contains_on_exit(expr);
  const bool parks = may_set_on_exit(expr);
  const bool is_plain = !parks && !needs_eval && !has_jump_in_argument(expr);
  SEXP program = c.assembler.finish(source, needs_eval, needs_frame, parks, is_plain);
  UNPROTECT(1);
  return program;
}

}  // namespace elsewhere::eval
