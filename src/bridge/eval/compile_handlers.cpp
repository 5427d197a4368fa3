// tryCatch, try, withCallingHandlers, suppressWarnings, suppressMessages and
// local, when something in them pauses: they become blocks of the machine, which
// outlast a pause where R's own would not.
#include "bridge/eval/compile.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/symbols.h"
#include "bridge/eval/word_table.h"

namespace elsewhere::eval {
namespace {

constexpr int kHandlersMax = 32;

// The arguments of tryCatch() and its kin, taken apart.
struct TryParts {
  SEXP expr = nullptr;
  SEXP finally = nullptr;
  SEXP classes[kHandlersMax];
  SEXP handlers[kHandlersMax];
  int count = 0;
  bool is_plain = true;  // no `...` and nothing else we cannot take apart
};

TryParts take_apart(SEXP call, bool has_finally) {
  TryParts parts;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    const SEXP tag = TAG(rest);
    const SEXP argument = CAR(rest);
    // NOLINTNEXTLINE(bugprone-branch-clone): the order of the questions counts.
    if (argument == R_DotsSymbol || argument == R_MissingArg) {
      parts.is_plain = false;
    } else if (tag == symbols().expr || (tag == R_NilValue && parts.expr == nullptr)) {
      parts.expr = argument;
    } else if (has_finally && tag == symbols().finally) {
      parts.finally = argument;
    } else if (tag == R_NilValue || parts.count == kHandlersMax) {
      parts.is_plain = false;
    } else {
      parts.classes[parts.count] = PRINTNAME(tag);
      parts.handlers[parts.count++] = argument;
    }
  }
  return parts;
}

// How the code for a handler is made. A plain one is an expression that base R
// would not take: it is evaluated when the condition has been caught, and what it
// gives is the value, or a function that is called then.
enum class HandlerForm { Function, InPlace, Plain };

bool is_function_of_one(SEXP handler) {
  if (TYPEOF(handler) != LANGSXP || CAR(handler) != symbols().function) return false;
  const SEXP formals = CADR(handler);
  return Rf_length(formals) == 1 && CAR(formals) == R_MissingArg && TAG(formals) != R_DotsSymbol;
}

HandlerForm form_of(const Compiler& c, SEXP handler) {
  const int type = TYPEOF(handler);
  if (type == SYMSXP) return HandlerForm::Function;
  if (type != LANGSXP) return HandlerForm::Plain;
  if (is_function_of_one(handler) && pauses(c, CADDR(handler))) return HandlerForm::InPlace;
  const bool is_plain = row_of(CAR(handler)).is(kJump) || pauses(c, handler);
  return is_plain ? HandlerForm::Plain : HandlerForm::Function;
}

SEXP class_vector(const TryParts& parts) {
  SEXP classes = Rf_allocVector(STRSXP, parts.count);
  for (int i = 0; i < parts.count; ++i) SET_STRING_ELT(classes, i, parts.classes[i]);
  return classes;
}

// Code of a scope: pops an environment, leaves the value of `body`. `shown`: the call
// that R has around it.
void compile_scope(Compiler& c, SEXP body, SEXP shown) {
  Assembler& a = c.assembler;
  const int enter = a.emit(Op::ScopeEnter, 0, a.constant(shown));
  const int loops = c.loops;
  const int switches = c.switches;
  c.loops = c.switches = 0;
  compile_with_exits(c, body);
  c.loops = loops;
  c.switches = switches;
  a.emit(Op::ScopeLeave);
  a.set_a(enter, a.here());
}

// function(e) <something that pauses>, run by the machine: its body in a child
// of the scope, where `e` is the condition.
void compile_handler_in_place(Compiler& c, SEXP handler) {
  Assembler& a = c.assembler;
  a.emit(Op::NewEnv, a.constant(TAG(CADR(handler))));
  compile_scope(c, CADDR(handler), hooks().shown_handler);
}

constexpr int kJumpsMax = kHandlersMax;

// What follows TryPop when a handler was entered, one piece of code a form.
void compile_handler_cases(Compiler& c, const TryParts& parts, int* ends, int& end_count) {
  Assembler& a = c.assembler;
  int cases[kHandlersMax] = {};
  for (int i = 0; i < parts.count; ++i) {
    if (form_of(c, parts.handlers[i]) == HandlerForm::Function) continue;
    cases[i] = a.emit(Op::HandlerCase, i);
  }
  a.emit(Op::CallHandler);
  ends[end_count++] = a.emit(Op::Jump);
  for (int i = 0; i < parts.count; ++i) {
    const HandlerForm form = form_of(c, parts.handlers[i]);
    if (form == HandlerForm::Function) continue;
    a.set_b(cases[i], a.here());
    if (form == HandlerForm::InPlace) {
      compile_handler_in_place(c, parts.handlers[i]);
    } else {
      compile(c, parts.handlers[i]);
      a.emit(Op::CallPlain);
    }
    ends[end_count++] = a.emit(Op::Jump);
  }
}

// The names of a block's classes or restarts, and next to it the call to show.
int names_constant(Compiler& c, SEXP names, SEXP shown) {
  PROTECT(names);
  const int position = c.assembler.constant(names);
  c.assembler.constant(shown);
  UNPROTECT(1);
  return position;
}

template <class Body>
void compile_exiting(Compiler& c, const TryParts& parts, SEXP shown, Body&& body) {
  Assembler& a = c.assembler;
  for (int i = 0; i < parts.count; ++i) {
    if (form_of(c, parts.handlers[i]) == HandlerForm::Function) {
      compile(c, parts.handlers[i]);
    } else {
      push_null(c);
    }
  }
  const int classes = names_constant(c, class_vector(parts), shown);
  const int setup = a.emit(Op::TrySetup, classes, 0, parts.count);
  body();
  a.emit(Op::TryPop);
  int ends[kJumpsMax + 2];
  int end_count = 0;
  ends[end_count++] = a.emit(Op::Jump);
  a.set_b(setup, a.here());
  compile_handler_cases(c, parts, ends, end_count);
  for (int i = 0; i < end_count; ++i) a.set_a(ends[i], a.here());
}

void compile_or_null(Compiler& c, SEXP expr) {
  if (expr == nullptr) {
    push_null(c);
  } else {
    compile(c, expr);
  }
}

void compile_guarded(Compiler& c, SEXP call, const TryParts& parts) {
  Assembler& a = c.assembler;
  int setup = -1;
  if (parts.finally != nullptr) {
    const int shown = a.constant(hooks().shown_finally);
    setup = a.emit(Op::FinallySetup, 0, pauses(c, parts.finally), shown);
  }
  if (parts.count > 0) {
    compile_exiting(c, parts, hooks().shown_try_catch, [&] { compile_or_null(c, parts.expr); });
  } else {
    compile_or_null(c, parts.expr);
  }
  if (setup < 0) return;
  a.emit(Op::FinallyPop);
  a.set_a(setup, a.here());
  a.emit(Op::ShowSetup, a.constant(call));
  compile(c, parts.finally);
  a.emit(Op::Pop);
  a.emit(Op::ShowEnd);
  a.emit(Op::FinallyEnd);
}

// The handler values are on the stack already.
void compile_calling(Compiler& c, SEXP classes, SEXP shown, SEXP expr) {
  Assembler& a = c.assembler;
  a.emit(Op::TrySetup, names_constant(c, classes, shown), 0, -Rf_length(classes));
  compile_or_null(c, expr);
  a.emit(Op::TryPop);
}

bool compile_suppress(Compiler& c, SEXP call, const char* condition, SEXP maker, SEXP shown) {
  Assembler& a = c.assembler;
  SEXP expr = nullptr;
  SEXP classes = nullptr;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    if (TAG(rest) == symbols().classes) {
      classes = CAR(rest);
    } else if (expr == nullptr) {
      expr = CAR(rest);
    } else {
      return false;
    }
  }
  SEXP make = PROTECT(classes == nullptr ? Rf_lang1(maker) : Rf_lang2(maker, classes));
  a.emit(Op::Eval, a.constant(make));
  SEXP watched = PROTECT(Rf_mkString(condition));
  compile_calling(c, watched, shown, expr);
  UNPROTECT(2);
  return true;
}

}  // namespace

bool compile_with_calling(Compiler& c, SEXP call) {
  const TryParts parts = take_apart(call, false);
  if (!parts.is_plain) return false;
  for (int i = 0; i < parts.count; ++i) {
    const SEXP handler = parts.handlers[i];
    if (is_function_of_one(handler) && pauses(c, CADDR(handler))) {
      build_error("a calling handler cannot pause: R waits for it while the condition is signalled",
                  handler);
    }
    compile(c, handler);
  }
  SEXP classes = PROTECT(class_vector(parts));
  compile_calling(c, classes, call, parts.expr);
  UNPROTECT(1);
  return true;
}

// withRestarts(expr, name = function(...) value)
bool compile_with_restarts(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  const TryParts parts = take_apart(call, false);
  if (!parts.is_plain) return false;
  for (int i = 0; i < parts.count; ++i) compile(c, parts.handlers[i]);
  const int names = names_constant(c, class_vector(parts), hooks().shown_restart);
  const int setup = a.emit(Op::RestartSetup, names, 0, parts.count);
  compile_or_null(c, parts.expr);
  a.emit(Op::TryPop);
  const int over = a.emit(Op::Jump);
  a.set_b(setup, a.here());
  a.emit(Op::CallRestart);
  a.set_a(over, a.here());
  return true;
}

bool compile_suppress_warnings(Compiler& c, SEXP call) {
  return compile_suppress(c, call, "warning", hooks().muffle_warnings,
                          hooks().shown_suppress_warnings);
}

bool compile_suppress_messages(Compiler& c, SEXP call) {
  return compile_suppress(c, call, "message", hooks().muffle_messages,
                          hooks().shown_suppress_messages);
}

bool compile_try(Compiler& c, SEXP call) {
  SEXP expr = nullptr;
  SEXP make = PROTECT(Rf_lang2(hooks().try_handler, PROTECT(Rf_lang2(symbols().quote, call))));
  SEXP tail = CDR(make);
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    if (expr == nullptr && (TAG(rest) == R_NilValue || TAG(rest) == symbols().expr)) {
      expr = CAR(rest);
      continue;
    }
    SETCDR(tail, Rf_cons(CAR(rest), R_NilValue));
    tail = CDR(tail);
    if (TAG(rest) != R_NilValue) SET_TAG(tail, TAG(rest));
  }
  c.assembler.constant(make);
  c.facts.look_at(make);
  TryParts parts;
  parts.expr = expr;
  parts.classes[0] = PRINTNAME(symbols().error);
  parts.handlers[0] = make;
  parts.count = 1;
  compile_guarded(c, call, parts);
  UNPROTECT(2);
  return true;
}

bool compile_local(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  const SEXP rest = CDDR(call);
  if (CDR(call) == R_NilValue) return false;
  SEXP envir = R_NilValue;
  if (rest == R_NilValue) {
    a.emit(Op::NewEnv, -1);
    envir = Rf_lang1(symbols().new_env);
  } else if (CDR(rest) == R_NilValue && (TAG(rest) == symbols().envir || TAG(rest) == R_NilValue)) {
    compile(c, CAR(rest));
    envir = CAR(rest);
  } else {
    return false;
  }
  PROTECT(envir);
  SEXP quoted = PROTECT(Rf_lang2(symbols().quote, CADR(call)));
  SEXP shown = PROTECT(Rf_lang3(symbols().eval, quoted, envir));
  compile_scope(c, CADR(call), shown);
  UNPROTECT(3);
  return true;
}

bool compile_try_catch(Compiler& c, SEXP call) {
  const TryParts parts = take_apart(call, true);
  if (parts.is_plain) compile_guarded(c, call, parts);
  return parts.is_plain;
}

void compile_await_or(Compiler& c, SEXP operand, SEXP handler) {
  // The operand stays below the handlers, and is copied up by Await's b.
  compile(c, operand);
  TryParts parts;
  parts.classes[0] = PRINTNAME(symbols().error);
  parts.handlers[0] = handler;
  parts.count = 1;
  compile_exiting(c, parts, R_NilValue, [&] {
    c.assembler.emit(Op::Await, -1, 1);  // b = 1: the operand lies below one handler
  });
  c.assembler.emit(Op::DropUnder);
}

}  // namespace elsewhere::eval
