// Leaving code early: break, next, return and caught conditions pop blocks until
// one takes them, and run what is due on the way.
#include "bridge/eval/hooks.h"
#include "bridge/eval/machine.h"
#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

bool is_jump_to_loop(Completion kind) {
  return kind == Completion::Break || kind == Completion::Next;
}

bool has_in_scope(const Coroutine& co, BlockKind wanted, int scope) {
  const Block* block = blocks(co);
  int current = co.machine->scopes;
  for (int i = co.machine->blocks - 1; i >= 0; --i) {
    const auto kind = block[i].kind;
    if (kind == wanted && current == scope) return true;
    if (kind == BlockKind::Scope && current-- == scope) return false;
  }
  return false;
}

// The error is raised where the jump was, so that the body can catch it.
void raise_in_body(const Coroutine& co, const char* message) {
  SEXP text = PROTECT(Rf_mkString(message));
  SEXP call = PROTECT(Rf_lang2(hooks().run_error, text));
  co.set(kStateSent, Rf_eval(call, R_BaseEnv));
  co.machine->inject = Inject::Raise;
  UNPROTECT(2);
}

void set_height(const Coroutine& co, int height) {
  if (co.machine->sp > height) drop(co, co.machine->sp - height);
}

// Something has taken a jump out of what is due while another one leaves the body
// (leaving.cpp), which is replaced by it.
void replace_jump(Machine& m) {
  m.leaving = 0;
  m.now.is_stale = true;
}

void arrived(Machine& m) {
  if (m.leaving != 0 && m.sp < m.leaving_sp) replace_jump(m);
}

void enter_handler(const Coroutine& co, const Block& block, SEXP condition, int matched) {
  Machine& m = *co.machine;
  const int base = block.sp - block.guard.count;
  SEXP handler = PROTECT(VECTOR_ELT(co.slot(kStateStack), base + matched));
  m.pc = block.guard.pc;
  m.matched = matched;
  trace(co, "catch: stop\n");
  set_height(co, base);
  push(co, handler);
  push(co, condition);
  arrived(m);
  UNPROTECT(1);
  trace(co, "catch: calling error handler\n");
}

void enter_finally(const Coroutine& co, const Block& block, Exit exit, SEXP value) {
  co.machine->pc = block.finally.pc;
  set_height(co, block.sp);
  push(co, value);
  SEXP record = PROTECT(Rf_allocVector(INTSXP, 3));
  INTEGER(record)[0] = static_cast<int>(exit.kind);
  INTEGER(record)[1] = exit.target;
  INTEGER(record)[2] = exit.matched;
  push(co, record);
  if (exit.kind == Completion::Jump) co.machine->leaving_sp = co.machine->sp;
  UNPROTECT(1);
}

// Nothing took it: the body ends with it.
void end_body(const Coroutine& co, Completion kind, SEXP value) {
  if (co.machine->leaving != 0 && kind != Completion::Jump) replace_jump(*co.machine);
  switch (kind) {
    case Completion::Normal:
    case Completion::Return:
      trace(co, "pump: return\n");
      if (co.machine->kind == BodyKind::Generator) {
        trace(co, "generator: return\n");
        trace(co, "pump: finish\n");
      }
      finish(co, Phase::Done, value);
      return;
    case Completion::Reject:
    case Completion::Throw:
    case Completion::Jump:
      trace(co, "pump: stop\n");
      finish(co, Phase::Failed, value);
      return;
    case Completion::Break:
    case Completion::Goto:
    case Completion::Next: return;  // refused before anything was popped
  }
}

void trace_jump(const Coroutine& co, const Block& loop, bool is_break) {
  switch (loop.loop.form) {
    case LoopForm::For: return;
    case LoopForm::While: trace(co, is_break ? "while: break\n" : "while: next\n"); return;
    case LoopForm::Repeat: trace(co, is_break ? "repeat: break\n" : "repeat: next\n"); return;
  }
}

// The loop is left before its iterator has ended.
void close_iterator(const Coroutine& co, const Block& block, SEXP closer) {
  if (!is_closing_loop(block)) return;
  SEXP source = PROTECT(VECTOR_ELT(co.slot(kStateStack), block.sp - 1));
  SEXP call = PROTECT(Rf_lang2(closer, source));
  run_own_leaf(co, call, current_env(co));
  UNPROTECT(2);
}

void go_on_in_loop(const Coroutine& co, const Block& block, Completion kind) {
  Machine& m = *co.machine;
  const bool is_break = kind == Completion::Break;
  set_height(co, block.sp);
  arrived(m);
  m.pc = is_break ? block.loop.break_pc : block.loop.next_pc;
  trace_jump(co, block, is_break);
  if (is_break) close_iterator(co, block, hooks().close_iterator);
}

void go_on_in_switch(const Coroutine& co, const Block& block, SEXP label) {
  Machine& m = *co.machine;
  set_height(co, block.sp);
  arrived(m);
  const bool has_label = label != R_MissingArg;
  if (has_label) push(co, label);
  m.pc = has_label ? block.switching.table_pc : block.switching.expr_pc;
}

// The scope is left. False if the exit goes on further out.
bool leave_scope(const Coroutine& co, const Block& block, Exit exit, SEXP value) {
  Machine& m = *co.machine;
  const bool is_target = m.scopes-- == exit.target;
  // What lies further out hears of a jump by its own guard.
  const bool passes = is_target && exit.kind == Completion::Jump;
  const bool takes_it = is_target && exit.kind == Completion::Return;
  if (!passes && !takes_it) return false;
  set_height(co, block.sp);
  if (takes_it) {
    push(co, value);
    if (m.leaving > m.scopes + 1) replace_jump(m);
  }
  m.pc = block.scope.leave_pc;
  return true;
}

// Does the innermost block take the exit? If so, the body goes on there; if not, the
// block is gone.
bool takes_exit(const Coroutine& co, Exit exit, SEXP value) {
  Machine& m = *co.machine;
  const Block block = blocks(co)[m.blocks - 1];
  const bool is_in_scope = m.scopes == exit.target;
  if (block.kind == BlockKind::Loop && is_jump_to_loop(exit.kind) && is_in_scope) {
    go_on_in_loop(co, block, exit.kind);
    return true;
  }
  if (block.kind == BlockKind::Switch && exit.kind == Completion::Goto && is_in_scope) {
    go_on_in_switch(co, block, value);
    return true;
  }
  --m.blocks;
  close_iterator(co, block, hooks().close_iterator);
  switch (block.kind) {
    case BlockKind::Restart: m.now.is_stale = true; [[fallthrough]];
    case BlockKind::Handler:
      if (exit.kind != Completion::Throw || m.blocks != exit.target) return false;
      enter_handler(co, block, value, exit.matched);
      return true;
    case BlockKind::Finally: enter_finally(co, block, exit, value); return true;
    case BlockKind::Scope: return leave_scope(co, block, exit, value);
    case BlockKind::Loop:
    case BlockKind::Switch:
    case BlockKind::Sub:
    case BlockKind::Shown: return false;
  }
  return false;
}

}  // namespace

void close_iterators(const Coroutine& co) {
  Machine& m = *co.machine;
  while (m.blocks > 0) {
    const Block block = blocks(co)[--m.blocks];
    close_iterator(co, block, hooks().close_quietly);
  }
}

void complete(const Coroutine& co, Exit exit, SEXP value) {
  if (is_jump_to_loop(exit.kind) && !has_in_scope(co, BlockKind::Loop, exit.target)) {
    raise_in_body(co, "no loop for break/next, jump to top level");
    return;
  }
  if (exit.kind == Completion::Goto && !has_in_scope(co, BlockKind::Switch, exit.target)) {
    raise_in_body(co, "no switch() for goto()");
    return;
  }
  PROTECT(value);
  bool is_taken = false;
  while (!is_taken && co.machine->blocks > 0) is_taken = takes_exit(co, exit, value);
  if (!is_taken) end_body(co, exit.kind, value);
  UNPROTECT(1);
}

void go_on_after_finally(const Coroutine& co) {
  SEXP record = PROTECT(top(co));
  SEXP value = PROTECT(top(co, 1));
  drop(co, 2);
  const int* field = INTEGER(record);
  const auto kind = static_cast<Completion>(field[0]);
  if (kind == Completion::Normal) {
    push(co, value);
  } else {
    complete(co, {kind, field[1], field[2]}, value);
  }
  UNPROTECT(2);
}

}  // namespace elsewhere::eval
