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
    const auto kind = static_cast<BlockKind>(block[i].kind);
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
  m.is_stale = true;
}

void arrived(Machine& m) {
  if (m.leaving != 0 && m.sp < m.leaving_sp) replace_jump(m);
}

void enter_handler(const Coroutine& co, const Block& block, SEXP condition, int matched) {
  Machine& m = *co.machine;
  const int count = block.x < 0 ? -block.x : block.x;
  const int base = block.sp - count;
  SEXP handler = PROTECT(VECTOR_ELT(co.slot(kStateStack), base + matched));
  m.pc = block.pc;
  m.matched = matched;
  trace(co, "catch: stop\n");
  set_height(co, base);
  push(co, handler);
  push(co, condition);
  arrived(m);
  UNPROTECT(1);
  trace(co, "catch: calling error handler\n");
}

void enter_finally(const Coroutine& co, const Block& block, Completion kind, SEXP value, int target,
                   int matched) {
  co.machine->pc = block.pc;
  set_height(co, block.sp);
  push(co, value);
  SEXP record = PROTECT(Rf_allocVector(INTSXP, 3));
  INTEGER(record)[0] = static_cast<int>(kind);
  INTEGER(record)[1] = target;
  INTEGER(record)[2] = matched;
  push(co, record);
  if (kind == Completion::Jump) co.machine->leaving_sp = co.machine->sp;
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
  if (loop.y == 1) trace(co, is_break ? "while: break\n" : "while: next\n");
  if (loop.y == 2) trace(co, is_break ? "repeat: break\n" : "repeat: next\n");
}

// The loop is left before its iterator has ended.
void close_iterator(const Coroutine& co, const Block& block, SEXP closer) {
  if (!is_closing_loop(block)) return;
  SEXP source = PROTECT(VECTOR_ELT(co.slot(kStateStack), block.sp - 1));
  SEXP call = PROTECT(Rf_lang2(closer, source));
  run_own_leaf(co, call, current_env(co));
  UNPROTECT(2);
}

}  // namespace

void close_iterators(const Coroutine& co) {
  Machine& m = *co.machine;
  while (m.blocks > 0) {
    const Block block = blocks(co)[--m.blocks];
    close_iterator(co, block, hooks().close_quietly);
  }
}

void complete(const Coroutine& co, Completion kind, SEXP value, int target, int matched) {
  Machine& m = *co.machine;
  if (is_jump_to_loop(kind) && !has_in_scope(co, BlockKind::Loop, target)) {
    raise_in_body(co, "no loop for break/next, jump to top level");
    return;
  }
  if (kind == Completion::Goto && !has_in_scope(co, BlockKind::Switch, target)) {
    raise_in_body(co, "no switch() for goto()");
    return;
  }
  PROTECT(value);
  while (m.blocks > 0) {
    const Block block = blocks(co)[m.blocks - 1];
    const auto block_kind = static_cast<BlockKind>(block.kind);
    if (block_kind == BlockKind::Loop && is_jump_to_loop(kind) && m.scopes == target) {
      set_height(co, block.sp);
      arrived(m);
      m.pc = kind == Completion::Break ? block.pc : block.pc2;
      trace_jump(co, block, kind == Completion::Break);
      if (kind == Completion::Break) close_iterator(co, block, hooks().close_iterator);
      UNPROTECT(1);
      return;
    }
    if (block_kind == BlockKind::Switch && kind == Completion::Goto && m.scopes == target) {
      set_height(co, block.sp);
      arrived(m);
      const bool has_label = value != R_MissingArg;
      if (has_label) push(co, value);
      m.pc = has_label ? block.pc : block.pc2;
      UNPROTECT(1);
      return;
    }
    --m.blocks;
    close_iterator(co, block, hooks().close_iterator);
    if (block_kind == BlockKind::Restart) m.is_stale = true;
    const bool can_catch = block_kind == BlockKind::Handler || block_kind == BlockKind::Restart;
    if (can_catch && kind == Completion::Throw && m.blocks == target) {
      enter_handler(co, block, value, matched);
      UNPROTECT(1);
      return;
    }
    if (block_kind == BlockKind::Finally) {
      enter_finally(co, block, kind, value, target, matched);
      UNPROTECT(1);
      return;
    }
    if (block_kind == BlockKind::Scope) {
      const bool takes_it = kind == Completion::Return && m.scopes == target;
      const bool passes = kind == Completion::Jump && m.scopes == target;
      --m.scopes;
      if (passes) {  // what lies further out hears of the jump by its own guard
        set_height(co, block.sp);
        m.pc = block.pc;
        UNPROTECT(1);
        return;
      }
      if (takes_it) {
        set_height(co, block.sp);
        push(co, value);
        if (m.leaving > m.scopes + 1) replace_jump(m);
        m.pc = block.pc;
        UNPROTECT(1);
        return;
      }
    }
  }
  end_body(co, kind, value);
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
    complete(co, kind, value, field[1], field[2]);
  }
  UNPROTECT(2);
}

}  // namespace elsewhere::eval
