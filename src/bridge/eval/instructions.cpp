// One instruction after the other. Values stay on the stack until they have been
// used, which is what protects them.
#include <R_ext/Utils.h>

#include <cstring>

#include "bridge/eval/base.h"
#include "bridge/eval/block_instructions.h"
#include "bridge/eval/call_instructions.h"
#include "bridge/eval/call_site.h"
#include "bridge/eval/generator.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/layer_guard.h"
#include "bridge/eval/loops.h"
#include "bridge/eval/machine.h"
#include "bridge/eval/promise.h"
#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

constexpr int kBackEdgesPerCheck = 4096;

// Back to the beginning of `repeat`.
void trace_again(const Coroutine& co) {
  const Block& loop = blocks(co)[co.machine->blocks - 1];
  const bool is_repeat = loop.kind == static_cast<int>(BlockKind::Loop) && loop.y == 2;
  if (is_repeat) trace(co, "repeat: again\n");
}

void jump(const Coroutine& co, int target) {
  Machine& m = *co.machine;
  if (m.is_traced && target < m.pc) trace_again(co);
  if (target < m.pc && ++m.back_edges % kBackEdgesPerCheck == 0) R_CheckUserInterrupt();
  m.pc = target;
}

void pause(const Coroutine& co, Pause why, SEXP value) {
  Machine& m = *co.machine;
  co.set(kStateResult, value);
  m.pause = why;
  m.status = Phase::Paused;
  ++m.wait;
}

// What the resume brought arrives where the pause was.
void arrive(const Coroutine& co) {
  Machine& m = *co.machine;
  const Inject inject = m.inject;
  m.inject = Inject::None;
  SEXP sent = PROTECT(co.slot(kStateSent));
  co.set(kStateSent, R_NilValue);
  switch (inject) {
    case Inject::None: break;
    case Inject::Value:
      // What a consumer sends is evaluated here, where the body can catch its
      // errors.
      push(co, TYPEOF(sent) == PROMSXP ? run_own_leaf(co, sent, current_env(co)) : sent);
      break;
    case Inject::Same: push(co, co.slot(kStateResult)); break;
    case Inject::Return: complete(co, Completion::Return, sent, 0, 0); break;
    case Inject::Raise: {
      SEXP literal = PROTECT(as_literal(sent));
      SEXP call = PROTECT(Rf_lang2(hooks().stop, literal));
      run_own_leaf(co, call, current_env(co));
      UNPROTECT(2);
      break;
    }
  }
  co.set(kStateResult, R_NilValue);
  UNPROTECT(1);
}

bool is_own_promise(const Coroutine& co, SEXP operand) {
  const SEXP own = co.slot(kStatePromise);
  return is_native_promise(operand) && is_native_promise(own) && core_of(operand) == core_of(own);
}

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

void return_from_body(const Coroutine& co) {
  SEXP value = PROTECT(top(co));
  drop(co);
  complete(co, Completion::Return, value, co.machine->scopes, 0);
  UNPROTECT(1);
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

// Pops an item and gives what is in it; nothing (and the jump made) at the end.
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

void bind_or_leave(const Coroutine& co, int symbol) {
  if (symbol < 0) return;
  Rf_defineVar(constant(co, symbol), top(co), current_env(co));
  drop(co);
}

void trace_expression(const Coroutine& co, SEXP expr, SEXP env) {
  SEXP quoted = PROTECT(as_literal(expr));
  SEXP call = PROTECT(Rf_lang3(hooks().trace_leaf, co.slot(kStateTrace), quoted));
  Rf_eval(call, env);
  UNPROTECT(2);
}

void trace_for(const Coroutine& co, int symbol, const char* what) {
  if (co.machine->is_traced && symbol >= 0) trace_about(co, "for ", constant(co, symbol), what);
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

// What withVisible() does with its argument, without the frame of a function. R
// has no other way to say whether a value was visible.
SEXP seen_whether_visible(SEXP expr) {
  const SEXP code = R_ClosureExpr(hooks().with_visible);
  const bool is_known = TYPEOF(code) == LANGSXP && Rf_length(code) == 2 &&
                        TYPEOF(CADR(code)) == LANGSXP && Rf_length(CADR(code)) == 2;
  if (!is_known) return Rf_lang2(hooks().with_visible, expr);
  SEXP inner = PROTECT(Rf_lang2(CAR(CADR(code)), expr));
  SEXP outer = Rf_lang2(hooks().internal, inner);
  UNPROTECT(1);
  return outer;
}

SEXP observed(const Coroutine& co, SEXP expr, SEXP env);

void evaluate_last(const Coroutine& co, SEXP expr) {
  Machine& m = *co.machine;
  SEXP env = current_env(co);
  if (m.is_traced || m.is_debugged) expr = observed(co, expr, env);
  PROTECT(expr);
  SEXP call = PROTECT(seen_whether_visible(expr));
  SEXP seen = PROTECT(run_own_leaf(co, call, env));
  push(co, VECTOR_ELT(seen, 0));
  m.is_visible = LOGICAL(VECTOR_ELT(seen, 1))[0] == TRUE;
  UNPROTECT(3);
}

void step(const Coroutine& co, Op op, const int* operand) {
  Machine& m = *co.machine;
  switch (op) {
    case Op::Eval: {
      if (operand[1] == 1) return evaluate_last(co, constant(co, operand[0]));
      SEXP value = PROTECT(run_leaf(co, constant(co, operand[0]), current_env(co)));
      push(co, value);
      UNPROTECT(1);
      m.is_visible = true;
      return;
    }
    case Op::Const:
      if (operand[1] == 1 && m.is_traced) {
        trace_expression(co, constant(co, operand[0]), current_env(co));
      }
      push(co, constant(co, operand[0]));
      m.is_visible = true;
      return;
    case Op::Target:
      if (m.is_traced) trace_expression(co, constant(co, operand[0]), current_env(co));
      return;
    case Op::Pop: drop(co); return;
    case Op::DropUnder: replace_top(co, 2, top(co)); return;
    case Op::Jump: jump(co, operand[0]); return;
    case Op::JumpIfNot: {
      const bool holds = condition_holds(co, top(co), constant(co, operand[1]));
      drop(co);
      if (operand[2] == 1) {
        trace(co, holds ? "while: do\n" : "while: end\n");
      } else {
        trace(co, holds ? "if: TRUE\n" : "if: FALSE\n");
      }
      if (!holds) m.pc = operand[0];
      return;
    }
    case Op::Assign: Rf_defineVar(constant(co, operand[0]), top(co), current_env(co)); return;
    case Op::AssignOuter: assign_outer(co, constant(co, operand[0])); return;
    case Op::Replace: {
      const int holes = operand[1];
      SEXP value = top(co, holes);
      SEXP call = PROTECT(
          fill_replacement(constant(co, operand[0]), value, co.slot(kStateStack), m.sp - holes));
      run_own_leaf(co, call, current_env(co));
      drop(co, holes);
      UNPROTECT(1);
      return;
    }
    case Op::Callee: {
      SEXP function = PROTECT(find_function(co, constant(co, operand[0])));
      push(co, function);
      UNPROTECT(1);
      return;
    }
    case Op::CalleeCheck:
      if (!Rf_isFunction(top(co))) fail_in_body(co, "attempt to apply non-function");
      return;
    case Op::Lazy:
      if (takes_promises(co, constant(co, operand[1]))) m.pc = operand[0];
      return;
    case Op::Dots: evaluate_dots(co); return;
    case Op::CallStrict: {
      const int count = operand[1];
      call_and_replace(
          co,
          fill_strict(constant(co, operand[0]), top(co, count), co.slot(kStateStack), m.sp - count),
          count + 1);
      m.is_visible = true;
      return;
    }
    case Op::CallLazy: {
      const int count = operand[1];
      call_and_replace(
          co,
          fill_lazy(constant(co, operand[0]), top(co, count), co.slot(kStateStack), m.sp - count),
          count + 1);
      m.is_visible = true;
      return;
    }
    case Op::GoSub:
      push_block(co, BlockKind::Sub, m.pc, 0);
      m.pc = operand[0];
      return;
    case Op::EndSub: m.pc = blocks(co)[--m.blocks].pc; return;
    case Op::Await: await_operand(co, operand[1]); return;
    case Op::Yield: {
      SEXP value = PROTECT(top(co));
      drop(co);
      pause(co, Pause::Yield, value);
      UNPROTECT(1);
      return;
    }
    case Op::NextItem: {
      SEXP source = PROTECT(top(co));
      drop(co);
      next_item(co, source, operand[1] == 0);
      UNPROTECT(1);
      return;
    }
    case Op::ItemOr: open_item(co, operand[0]); return;
    case Op::ForCheck: check_for(co, operand[0], constant(co, operand[1])); return;
    case Op::ForSetup: set_up_for(co, operand[0], operand[1], operand[2] == 1); return;
    case Op::ForNext: next_of_for(co, operand); return;
    case Op::ForTake:
      if (open_item(co, operand[1])) {
        trace_for(co, operand[0], ": do\n");
        bind_or_leave(co, operand[0]);
      } else {
        trace_for(co, operand[0], ": finished\n");
      }
      return;
    case Op::LoopLeaf: begin_leaf_loop(co, constant(co, operand[0]), operand[1]); return;
    case Op::LoopRound: next_round(co, constant(co, operand[0]), operand[1]); return;
    case Op::LoopSetup:
      push_block(co, BlockKind::Loop, operand[0], operand[1]).y = operand[2];
      return;
    case Op::LoopEnd:
      --m.blocks;
      if (operand[0] > 0) drop(co, operand[0]);
      return;
    case Op::Break: complete(co, Completion::Break, R_NilValue, m.scopes, 0); return;
    case Op::Next: complete(co, Completion::Next, R_NilValue, m.scopes, 0); return;
    case Op::Return: return_from_body(co); return;
    case Op::Left: logic(co, operand, true); return;
    case Op::Right: logic(co, operand, false); return;
    case Op::TrySetup: set_up_try(co, operand); return;
    case Op::TryPop: leave_try(co); return;
    case Op::HandlerCase:
      if (m.matched == operand[0]) m.pc = operand[1];
      return;
    case Op::CallHandler: call_handler(co); return;
    case Op::CallPlain: call_plain(co); return;
    case Op::RestartSetup: set_up_restarts(co, operand); return;
    case Op::CallRestart: call_restart(co); return;
    case Op::FinallySetup:
      trace(co, "finally: begin\n");
      push_block(co, BlockKind::Finally, operand[0], operand[2] + 1).x = operand[1];
      return;
    case Op::FinallyPop: pop_finally(co); return;
    case Op::FinallyEnd: go_on_after_finally(co); return;
    case Op::ShowSetup: push_block(co, BlockKind::Shown, 0, operand[0] + 1); return;
    case Op::ShowEnd: --m.blocks; return;
    case Op::ExitsSetup: {
      push(co, Rf_allocVector(INTSXP, 0));
      Block& block = push_block(co, BlockKind::Finally, operand[0], 0);
      block.x = block.y = 1;
      return;
    }
    case Op::ExitsAdd: add_exit(co, operand[0]); return;
    case Op::ExitsNext: next_exit(co, operand); return;
    case Op::ExitsMerge: merge_exit(co); return;
    case Op::NewEnv: make_scope(co, operand[0]); return;
    case Op::ScopeEnter: enter_scope(co, operand[0], operand[1]); return;
    case Op::ScopeLeave: return_from_body(co); return;
    case Op::SwitchTable: choose_arm(co, operand); return;
    case Op::Goto: jump_to_switch(co, operand[0] == 1); return;
    case Op::SwitchSetup: push_block(co, BlockKind::Switch, operand[0], operand[1]); return;
    case Op::SwitchEnd: --m.blocks; return;
    case Op::Invisible: m.is_visible = false; return;
    case Op::Finish: {
      SEXP value = PROTECT(top(co));
      drop(co);
      complete(co, Completion::Return, value, 0, 0);
      UNPROTECT(1);
      return;
    }
  }
}

// For trace = and debugAsync(): tells of the expression, and gives one that
// evaluates it under R's browser.
SEXP observed(const Coroutine& co, SEXP expr, SEXP env) {
  const bool is_ours =
      TYPEOF(expr) == LANGSXP && TYPEOF(CAR(expr)) != SYMSXP && TYPEOF(CAR(expr)) != LANGSXP;
  if (is_ours || (TYPEOF(expr) != LANGSXP && TYPEOF(expr) != SYMSXP)) return expr;
  if (co.machine->is_traced) trace_expression(co, expr, env);
  if (!co.machine->is_debugged) return expr;
  SEXP quoted = PROTECT(as_literal(expr));
  SEXP place = PROTECT(source_position(co, co.machine->pc));
  SEXP call = PROTECT(Rf_lang3(hooks().debug_leaf, quoted, place));
  SEXP made = Rf_eval(call, env);
  UNPROTECT(3);
  return made;
}

// Something only the base context can do: enter or leave a scope, put up the
// guard.
bool needs_base(const Coroutine& co, Op op) {
  if (op == Op::ForSetup) return is_closing_loop(blocks(co)[co.machine->blocks - 1]);
  return op == Op::TrySetup || op == Op::FinallySetup || op == Op::ExitsSetup;
}

}  // namespace

SEXP run_leaf(const Coroutine& co, SEXP expr, SEXP env) {
  const Machine& m = *co.machine;
  if (m.is_traced || m.is_debugged) expr = observed(co, expr, env);
  return run_own_leaf(co, expr, env);
}

SEXP run_own_leaf(const Coroutine& co, SEXP expr, SEXP env) {
  Machine& m = *co.machine;
  PROTECT(expr);
  if (m.guarded != 0) show_call(co, m.scopes);
  m.in_leaf = true;
  SEXP value = Rf_eval(expr, env);
  m.in_leaf = false;
  if (m.told != 0) m.is_stale = true;
  UNPROTECT(1);
  return value;
}

void fail_in_body(const Coroutine& co, const char* message) {
  SEXP text = PROTECT(Rf_mkString(message));
  SEXP make = PROTECT(Rf_lang2(hooks().run_error, text));
  SEXP call = PROTECT(Rf_lang2(hooks().stop, PROTECT(Rf_eval(make, R_BaseEnv))));
  run_own_leaf(co, call, current_env(co));
  Rf_error("%s", message);  // the call above does not return
}

void run_instructions(const Coroutine& co) {
  Machine& m = *co.machine;
  if (m.inject != Inject::None) arrive(co);
  const int* code = INTEGER(VECTOR_ELT(co.slot(kStateProgram), kProgramCode));
  const int scopes = m.scopes;
  while (m.status == Phase::Running && m.scopes == scopes && m.inject == Inject::None &&
         !m.is_stale) {
    const int* at = code + m.pc++ * kInstructionInts;
    const auto op = static_cast<Op>(at[0]);
    step(co, op, at + 1);
    if (needs_base(co, op)) return;
  }
}

}  // namespace elsewhere::eval
