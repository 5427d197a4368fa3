// One instruction after the other. Values stay on the stack until they have been
// used, which is what protects them.
#include <R_ext/Utils.h>

#include <array>
#include <iterator>

#include "bridge/eval/base.h"
#include "bridge/eval/block_instructions.h"
#include "bridge/eval/call_instructions.h"
#include "bridge/eval/call_site.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/layer_guard.h"
#include "bridge/eval/loops.h"
#include "bridge/eval/machine.h"
#include "bridge/eval/pause_instructions.h"
#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

constexpr int kBackEdgesPerCheck = 4096;

// Back to the beginning of `repeat`.
void trace_again(const Coroutine& co) {
  const Block& loop = blocks(co)[co.machine->blocks - 1];
  const bool is_repeat = loop.kind == BlockKind::Loop && loop.loop.form == LoopForm::Repeat;
  if (is_repeat) trace(co, "repeat: again\n");
}

void jump(const Coroutine& co, int target) {
  Machine& m = *co.machine;
  if (m.options.is_traced && target < m.pc) trace_again(co);
  if (target < m.pc && ++m.back_edges % kBackEdgesPerCheck == 0) R_CheckUserInterrupt();
  m.pc = target;
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
    case Inject::Return: complete(co, {Completion::Return}, sent); break;
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

void return_from_body(const Coroutine& co) {
  SEXP value = PROTECT(top(co));
  drop(co);
  complete(co, {Completion::Return, co.machine->scopes}, value);
  UNPROTECT(1);
}

void trace_expression(const Coroutine& co, SEXP expr, SEXP env) {
  SEXP quoted = PROTECT(as_literal(expr));
  SEXP call = PROTECT(Rf_lang3(hooks().trace_leaf, co.slot(kStateTrace), quoted));
  Rf_eval(call, env);
  UNPROTECT(2);
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
  if (m.options.is_traced || m.options.is_debugged) expr = observed(co, expr, env);
  PROTECT(expr);
  SEXP call = PROTECT(seen_whether_visible(expr));
  SEXP seen = PROTECT(run_own_leaf(co, call, env));
  push(co, VECTOR_ELT(seen, 0));
  m.now.is_visible = LOGICAL(VECTOR_ELT(seen, 1))[0] == TRUE;
  UNPROTECT(3);
}

using Operands = const int*;  // of the instruction: a, b, c (opcode.h)

void evaluate(const Coroutine& co, Operands operand) {
  if (operand[1] == 1) return evaluate_last(co, constant(co, operand[0]));
  SEXP value = PROTECT(run_leaf(co, constant(co, operand[0]), current_env(co)));
  push(co, value);
  UNPROTECT(1);
  co.machine->now.is_visible = true;
}

void show_target(const Coroutine& co, Operands operand) {
  if (!co.machine->options.is_traced) return;
  trace_expression(co, constant(co, operand[0]), current_env(co));
}

void push_constant(const Coroutine& co, Operands operand) {
  if (operand[1] == 1) show_target(co, operand);
  push(co, constant(co, operand[0]));
  co.machine->now.is_visible = true;
}

void jump_if_not(const Coroutine& co, Operands operand) {
  const bool holds = condition_holds(co, top(co), constant(co, operand[1]));
  drop(co);
  if (operand[2] == 1) {
    trace(co, holds ? "while: do\n" : "while: end\n");
  } else {
    trace(co, holds ? "if: TRUE\n" : "if: FALSE\n");
  }
  if (!holds) co.machine->pc = operand[0];
}

void replace(const Coroutine& co, Operands operand) {
  const int holes = operand[1];
  SEXP value = top(co, holes);
  SEXP call = PROTECT(fill_replacement(constant(co, operand[0]), value, co.slot(kStateStack),
                                       co.machine->sp - holes));
  run_own_leaf(co, call, current_env(co));
  drop(co, holes);
  UNPROTECT(1);
}

void push_callee(const Coroutine& co, Operands operand) {
  SEXP function = PROTECT(find_function(co, constant(co, operand[0])));
  push(co, function);
  UNPROTECT(1);
}

void check_callee(const Coroutine& co, Operands) {
  if (!Rf_isFunction(top(co))) fail_in_body(co, "attempt to apply non-function");
}

void choose_lazy(const Coroutine& co, Operands operand) {
  if (takes_promises(co, constant(co, operand[1]))) co.machine->pc = operand[0];
}

using Fill = SEXP (*)(SEXP site, SEXP callee, SEXP values, int first);
template <Fill fill>
void call_filled(const Coroutine& co, Operands operand) {
  const int count = operand[1];
  const int first = co.machine->sp - count;
  SEXP call = fill(constant(co, operand[0]), top(co, count), co.slot(kStateStack), first);
  call_and_replace(co, call, count + 1);
  co.machine->now.is_visible = true;
}

void go_sub(const Coroutine& co, Operands operand) {
  push_block(co, BlockKind::Sub).return_pc = co.machine->pc;
  co.machine->pc = operand[0];
}

void end_sub(const Coroutine& co, Operands) {
  Machine& m = *co.machine;
  m.pc = blocks(co)[--m.blocks].return_pc;
}

void set_up_loop(const Coroutine& co, Operands operand) {
  const auto form = static_cast<LoopForm>(operand[2]);
  push_block(co, BlockKind::Loop).loop = {operand[0], operand[1], form, false, 0};
}

void end_loop(const Coroutine& co, Operands operand) {
  --co.machine->blocks;
  if (operand[0] > 0) drop(co, operand[0]);
}

void set_up_finally(const Coroutine& co, Operands operand) {
  trace(co, "finally: begin\n");
  push_block(co, BlockKind::Finally).finally = {operand[0], operand[2] + 1, operand[1] == 1, false};
}

void set_up_exits(const Coroutine& co, Operands operand) {
  push(co, Rf_allocVector(INTSXP, 0));
  push_block(co, BlockKind::Finally).finally = {operand[0], 0, true, true};
}

void set_up_shown(const Coroutine& co, Operands operand) {
  push_block(co, BlockKind::Shown).shown = operand[0] + 1;
}

void set_up_switch(const Coroutine& co, Operands operand) {
  push_block(co, BlockKind::Switch).switching = {operand[0], operand[1]};
}

void pop_block(const Coroutine& co, Operands) { --co.machine->blocks; }

void choose_handler(const Coroutine& co, Operands operand) {
  if (co.machine->matched == operand[0]) co.machine->pc = operand[1];
}

template <Completion kind>
void leave_loop(const Coroutine& co, Operands) {
  complete(co, {kind, co.machine->scopes}, R_NilValue);
}

void finish_body(const Coroutine& co, Operands) {
  SEXP value = PROTECT(top(co));
  drop(co);
  complete(co, {Completion::Return}, value);
  UNPROTECT(1);
}

// What an instruction does: a row each, in any order.
using Step = void (*)(const Coroutine& co, Operands operand);
struct StepRow {
  Op op;
  Step step;
};
#define OF(call)                              \
  [](const Coroutine& co, Operands operand) { \
    (void)operand;                            \
    call;                                     \
  }
constexpr StepRow kSteps[] = {
    {Op::Eval, evaluate},
    {Op::Const, push_constant},
    {Op::Target, show_target},
    {Op::Pop, OF(drop(co))},
    {Op::DropUnder, OF(replace_top(co, 2, top(co)))},
    {Op::Jump, OF(jump(co, operand[0]))},
    {Op::JumpIfNot, jump_if_not},
    {Op::Assign, OF(Rf_defineVar(constant(co, operand[0]), top(co), current_env(co)))},
    {Op::AssignOuter, OF(assign_outer(co, constant(co, operand[0])))},
    {Op::Replace, replace},
    {Op::Callee, push_callee},
    {Op::CalleeCheck, check_callee},
    {Op::Lazy, choose_lazy},
    {Op::Dots, OF(evaluate_dots(co))},
    {Op::CallStrict, call_filled<fill_strict>},
    {Op::CallLazy, call_filled<fill_lazy>},
    {Op::GoSub, go_sub},
    {Op::EndSub, end_sub},
    {Op::Await, OF(await_operand(co, operand[1]))},
    {Op::Yield, yield_value},
    {Op::NextItem, push_next_item},
    {Op::ItemOr, OF(open_item(co, operand[0]))},
    {Op::ForCheck, OF(check_for(co, operand[0], constant(co, operand[1])))},
    {Op::ForSetup, OF(set_up_for(co, operand[0], operand[1], operand[2] == 1))},
    {Op::ForNext, next_of_for},
    {Op::ForTake, take_item},
    {Op::LoopLeaf, OF(begin_leaf_loop(co, constant(co, operand[0]), operand[1]))},
    {Op::LoopRound, OF(next_round(co, constant(co, operand[0]), operand[1]))},
    {Op::LoopSetup, set_up_loop},
    {Op::LoopEnd, end_loop},
    {Op::Break, leave_loop<Completion::Break>},
    {Op::Next, leave_loop<Completion::Next>},
    {Op::Return, OF(return_from_body(co))},
    {Op::Left, OF(logic(co, operand, true))},
    {Op::Right, OF(logic(co, operand, false))},
    {Op::TrySetup, set_up_try},
    {Op::TryPop, OF(leave_try(co))},
    {Op::HandlerCase, choose_handler},
    {Op::CallHandler, OF(call_handler(co))},
    {Op::CallPlain, OF(call_plain(co))},
    {Op::RestartSetup, set_up_restarts},
    {Op::CallRestart, OF(call_restart(co))},
    {Op::FinallySetup, set_up_finally},
    {Op::FinallyPop, OF(pop_finally(co))},
    {Op::FinallyEnd, OF(go_on_after_finally(co))},
    {Op::ShowSetup, set_up_shown},
    {Op::ShowEnd, pop_block},
    {Op::ExitsSetup, set_up_exits},
    {Op::ExitsAdd, OF(add_exit(co, operand[0]))},
    {Op::ExitsNext, next_exit},
    {Op::ExitsMerge, OF(merge_exit(co))},
    {Op::ScopeEnter, OF(enter_scope(co, operand[0], operand[1]))},
    {Op::ScopeLeave, OF(return_from_body(co))},
    {Op::NewEnv, OF(make_scope(co, operand[0]))},
    {Op::SwitchTable, choose_arm},
    {Op::SwitchSetup, set_up_switch},
    {Op::SwitchEnd, pop_block},
    {Op::Goto, OF(jump_to_switch(co, operand[0] == 1))},
    {Op::Invisible, OF(co.machine->now.is_visible = false)},
    {Op::Finish, finish_body},
};
#undef OF

constexpr auto kOps = static_cast<std::size_t>(Op::Finish) + 1;

// By the number of the instruction. A row that is missing, or there twice, does not
// compile.
constexpr std::array<Step, kOps> kStepOf = [] {
  static_assert(std::size(kSteps) == kOps);
  std::array<Step, kOps> steps{};
  for (const StepRow& row : kSteps) {
    Step& step = steps[static_cast<std::size_t>(row.op)];
    if (step != nullptr) throw "an instruction has two rows";
    step = row.step;
  }
  return steps;
}();

// For trace = and debugAsync(): tells of the expression, and gives one that
// evaluates it under R's browser.
SEXP observed(const Coroutine& co, SEXP expr, SEXP env) {
  const bool is_ours =
      TYPEOF(expr) == LANGSXP && TYPEOF(CAR(expr)) != SYMSXP && TYPEOF(CAR(expr)) != LANGSXP;
  if (is_ours || (TYPEOF(expr) != LANGSXP && TYPEOF(expr) != SYMSXP)) return expr;
  if (co.machine->options.is_traced) trace_expression(co, expr, env);
  if (!co.machine->options.is_debugged) return expr;
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
  if (m.options.is_traced || m.options.is_debugged) expr = observed(co, expr, env);
  return run_own_leaf(co, expr, env);
}

SEXP run_own_leaf(const Coroutine& co, SEXP expr, SEXP env) {
  Machine& m = *co.machine;
  PROTECT(expr);
  if (m.guarded != 0) show_call(co, m.scopes);
  m.now.in_leaf = true;
  SEXP value = Rf_eval(expr, env);
  m.now.in_leaf = false;
  if (m.told != 0) m.now.is_stale = true;
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
         !m.now.is_stale) {
    const int* at = code + m.pc++ * kInstructionInts;
    const auto op = static_cast<Op>(at[0]);
    kStepOf[static_cast<std::size_t>(op)](co, at + 1);
    if (needs_base(co, op)) return;
  }
}

}  // namespace elsewhere::eval
