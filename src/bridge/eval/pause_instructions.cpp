#include "bridge/eval/pause_instructions.h"

#include <cstring>

#include "bridge/eval/call_site.h"
#include "bridge/eval/generator.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/loops.h"
#include "bridge/eval/promise.h"

namespace elsewhere::eval {
namespace {

void pause(const Coroutine& co, Pause why, SEXP value) {
  Machine& m = *co.machine;
  co.set(kStateResult, value);
  m.pause = why;
  m.status = Phase::Paused;
  ++m.wait;
}

bool is_own_promise(const Coroutine& co, SEXP operand) {
  const SEXP own = co.slot(kStatePromise);
  return is_native_promise(operand) && is_native_promise(own) && core_of(operand) == core_of(own);
}

// A generator of ours with no class of the user's before its own: nextOr() would do
// nothing but ask its coroutine.
SEXP plain_generator(SEXP source) {
  const SEXP classes = Rf_getAttrib(source, R_ClassSymbol);
  if (TYPEOF(classes) != STRSXP || Rf_length(classes) == 0) return R_NilValue;
  const bool is_plain = std::strcmp(CHAR(STRING_ELT(classes, 0)), "generator") == 0;
  return is_plain ? generator_coroutine(source) : R_NilValue;
}

// What it gives next, without R functions in between: they would use up the C stack
// where generators go through generators.
void next_of_generator(const Coroutine& co, SEXP generator) {
  SEXP inject = PROTECT(Rf_ScalarInteger(static_cast<int>(Inject::Same)));
  SEXP call =
      PROTECT(Rf_lang5(hooks().dot_call, hooks().gen_resume, generator, inject, R_NilValue));
  SEXP value = PROTECT(run_own_leaf(co, call, current_env(co)));
  if (value == generator) {
    push(co, generator);  // any pointer stands for "no further item"
  } else {
    SEXP item = PROTECT(Rf_allocVector(VECSXP, 1));
    SET_VECTOR_ELT(item, 0, value);
    push(co, item);
    UNPROTECT(1);
  }
  UNPROTECT(3);
}

// What a source gives next. A channel gives a promise of it, which is awaited.
void next_item(const Coroutine& co, SEXP source, bool may_wait = true) {
  const SEXP generator = plain_generator(source);
  if (generator != R_NilValue) {
    next_of_generator(co, generator);
    return;
  }
  SEXP call = PROTECT(Rf_lang2(hooks().next_item, source));
  SEXP item = PROTECT(run_own_leaf(co, call, current_env(co)));
  if (Rf_isObject(item) && is_native_promise(item)) {
    if (!may_wait) fail_in_body(co, "nextOr() of a channel is a promise; use awaitNext()");
    if (co.machine->kind == BodyKind::Generator || co.machine->kind == BodyKind::Run) {
      fail_in_body(co, "a generator cannot wait for a channel; use stream() or async()");
    }
    pause(co, Pause::Await, item);
  } else {
    push(co, item);
  }
  UNPROTECT(2);
}

bool is_no_item(SEXP item) { return TYPEOF(item) == EXTPTRSXP; }

void bind_or_leave(const Coroutine& co, int symbol) {
  if (symbol < 0) return;
  Rf_defineVar(constant(co, symbol), top(co), current_env(co));
  drop(co);
}

void trace_for(const Coroutine& co, int symbol, const char* what) {
  if (co.machine->options.is_traced && symbol >= 0)
    trace_about(co, "for ", constant(co, symbol), what);
}

}  // namespace

void await_operand(const Coroutine& co, int below) {
  SEXP operand = top(co, below);
  if (is_own_promise(co, operand)) fail_in_body(co, "a task cannot wait for itself");
  if (Rf_isObject(operand) && !is_native_promise(operand)) {
    // The classes decide, as promises' as.promise() does; anything that is not
    // a promise in any way is its own value.
    SEXP literal = PROTECT(as_literal(operand));
    SEXP call = PROTECT(Rf_lang2(hooks().as_awaitable, literal));
    operand = run_own_leaf(co, call, current_env(co));
    UNPROTECT(2);
  }
  PROTECT(operand);
  if (below == 0) drop(co);
  if (Rf_isObject(operand) && Rf_inherits(operand, "promise")) {
    pause(co, Pause::Await, operand);
  } else {
    push(co, operand);
  }
  UNPROTECT(1);
}

void yield_value(const Coroutine& co, const int*) {
  SEXP value = PROTECT(top(co));
  drop(co);
  pause(co, Pause::Yield, value);
  UNPROTECT(1);
}

void push_next_item(const Coroutine& co, const int* operand) {
  SEXP source = PROTECT(top(co));
  drop(co);
  next_item(co, source, operand[1] == 0);
  UNPROTECT(1);
}

bool open_item(const Coroutine& co, int end_pc) {
  SEXP item = PROTECT(top(co));
  drop(co);
  const bool is_end = is_no_item(item);
  if (!is_end) {
    push(co, VECTOR_ELT(item, 0));
  } else if (end_pc >= 0) {
    co.machine->pc = end_pc;
  } else {
    fail_in_body(co, "StopIteration");
  }
  UNPROTECT(1);
  return !is_end;
}

void next_of_for(const Coroutine& co, const int* operand) {
  Machine& m = *co.machine;
  const Block& loop = blocks(co)[m.blocks - 1];
  SEXP sequence = VECTOR_ELT(co.slot(kStateStack), loop.sp - 1);
  if (operand[0] < 0 && may_delegate(co, sequence)) {
    m.pc = operand[1];  // goes on there when the other one has ended
    co.set(kStateDelegate, generator_coroutine(sequence));
    pause(co, Pause::Delegate, R_NilValue);
    return;
  }
  if (is_iterable_object(sequence)) {
    next_item(co, sequence);
    return;
  }
  if (step_for(co)) {
    trace_for(co, operand[0], ": do\n");
    bind_or_leave(co, operand[0]);
    ++m.pc;
  } else {
    trace_for(co, operand[0], ": finished\n");
    m.pc = operand[1];
  }
}

void take_item(const Coroutine& co, const int* operand) {
  if (open_item(co, operand[1])) {
    trace_for(co, operand[0], ": do\n");
    bind_or_leave(co, operand[0]);
  } else {
    trace_for(co, operand[0], ": finished\n");
  }
}

}  // namespace elsewhere::eval
