// await(), yield() and their kin.
#include "bridge/eval/compile.h"
#include "bridge/eval/symbols.h"
#include "bridge/eval/word_table.h"

namespace elsewhere::eval {
namespace {

SEXP argument_named(SEXP call, SEXP name) {
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    if (TAG(rest) == name) return CAR(rest);
  }
  return nullptr;
}

SEXP argument_unnamed(SEXP call, int position) {
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    const SEXP tag = TAG(rest);
    if (tag == symbols().error || tag == symbols().err || tag == symbols().or_argument) continue;
    if (position-- == 0) return CAR(rest);
  }
  return nullptr;
}

SEXP operand_of(SEXP call) {
  const SEXP operand = argument_unnamed(call, 0);
  if (operand == nullptr) build_error("it needs an argument", call);
  return operand;
}

// What to do with an error instead; `position`: where it stands without a name.
SEXP handler_of(SEXP call, int position) {
  SEXP handler = argument_named(call, symbols().error);
  if (handler == nullptr) handler = argument_named(call, symbols().err);
  return handler != nullptr ? handler : argument_unnamed(call, position);
}

void check_place(Compiler& c, SEXP call) {
  const BodyKind kind = c.options.kind;
  const Row& row = head_row(call);
  if (row.is(kAwaits) && (kind == BodyKind::Generator || kind == BodyKind::Run)) {
    build_error("await() belongs in async() or stream(), not in gen()", call);
  }
  if (row.is(kYields) && kind == BodyKind::Async) {
    build_error("yield() belongs in gen() or stream(), not in async()", call);
  }
}

// awaitNext(source, or, err) is tryCatch(awaitNext(source, or), error = err).
void compile_next_or_handler(Compiler& c, SEXP call, SEXP source, SEXP at_end, SEXP handler) {
  SEXP next = PROTECT(at_end == nullptr ? Rf_lang2(CAR(call), source)
                                        : Rf_lang3(CAR(call), source, at_end));
  SEXP guarded = PROTECT(Rf_lang3(symbols().try_catch, next, handler));
  SET_TAG(CDDR(guarded), symbols().error);
  c.assembler.constant(guarded);
  c.facts.look_at(guarded);
  compile_by_row(c, guarded);
  UNPROTECT(2);
}

void compile_item(Compiler& c, SEXP call, SEXP source, SEXP at_end, bool must_be_there) {
  Assembler& a = c.assembler;
  compile(c, source);
  a.emit(Op::NextItem, a.constant(call), must_be_there);
  const int open = a.emit(Op::ItemOr, -1);
  if (at_end == nullptr) return;
  const int over = a.emit(Op::Jump);
  a.set_a(open, a.here());
  compile(c, at_end);
  a.set_a(over, a.here());
}

// What awaitNext(source, or) gives at the end.
SEXP argument_or(SEXP call) {
  const SEXP named = argument_named(call, symbols().or_argument);
  return named != nullptr ? named : argument_unnamed(call, 1);
}

}  // namespace

bool compile_await(Compiler& c, SEXP call) {
  check_place(c, call);
  const SEXP operand = operand_of(call);
  const SEXP handler = handler_of(call, 1);
  if (handler != nullptr) {
    compile_await_or(c, operand, handler);
  } else {
    compile(c, operand);
    c.assembler.emit(Op::Await, c.assembler.constant(call));
  }
  return true;
}

bool compile_await_next(Compiler& c, SEXP call) {
  check_place(c, call);
  const SEXP source = operand_of(call);
  const SEXP handler = handler_of(call, 2);
  if (handler != nullptr) {
    compile_next_or_handler(c, call, source, argument_or(call), handler);
  } else {
    compile_item(c, call, source, argument_or(call), false);
  }
  return true;
}

// It waits for nothing itself: R runs it where nothing in it does.
bool compile_next_or(Compiler& c, SEXP call) {
  if (!pauses(c, call)) return false;
  const SEXP source = operand_of(call);
  SEXP handler = argument_named(call, symbols().error);
  if (handler == nullptr) handler = argument_named(call, symbols().err);
  if (handler != nullptr) {
    compile_next_or_handler(c, call, source, argument_or(call), handler);
  } else {
    compile_item(c, call, source, argument_or(call), true);
  }
  return true;
}

bool compile_yield(Compiler& c, SEXP call) {
  check_place(c, call);
  const SEXP operand = argument_unnamed(call, 0);
  if (operand == nullptr) {
    push_null(c);
  } else {
    compile(c, operand);
  }
  c.assembler.emit(Op::Yield);
  return true;
}

// for (x in source) yield(x), without the variable.
bool compile_yield_from(Compiler& c, SEXP call) {
  check_place(c, call);
  const SEXP source = operand_of(call);
  compile(c, source);
  compile_iteration(c, -1, source, nullptr);
  return true;
}

}  // namespace elsewhere::eval
