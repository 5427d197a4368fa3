// What is due when a jump that is not the body's own leaves a guard: an error that
// nobody in the body catches, a restart, a return() that R evaluates.
#include "bridge/eval/base.h"
#include "bridge/eval/parked_exits.h"
#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

struct Due {
  bool is_any;
  bool may_pause;
};

Due due_in_layer(const Coroutine& co, int layer) {
  Due due{false, false};
  const Block* block = blocks(co);
  int scope = 0;
  for (int i = 0; i < co.machine->blocks; ++i) {
    if (block[i].kind == BlockKind::Scope) ++scope;
    if (scope < layer) continue;
    const bool is_finally = block[i].kind == BlockKind::Finally;
    due.is_any = due.is_any || is_finally || is_closing_loop(block[i]);
    due.may_pause = due.may_pause || (is_finally && block[i].finally.may_pause);
  }
  return due;
}

[[noreturn]] void return_from(SEXP frame) {
  Rf_eval(Rf_lang1(symbols().return_), frame);
  Rf_error("return() came back");  // it does not
}

}  // namespace

bool guard_left(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  if (m.status != Phase::Running || !m.now.in_leaf || m.now.is_escaping) return false;
  const Due due = due_in_layer(co, layer);
  if (due.may_pause) {
    park_exits(co, layer);
    return false;
  }
  if (!due.is_any) return false;
  m.now.in_leaf = false;
  m.leaving = layer + 1;
  m.leaving_sp = 0;
  m.layer = layer;
  const uint64_t up_to_this = (uint64_t{2} << layer) - 1;
  m.guarded &= up_to_this;
  m.told &= up_to_this;
  return true;
}

void run_due(const Coroutine& co, int layer, SEXP guard, bool is_first) {
  Machine& m = *co.machine;
  if (is_first) {
    complete(co, {Completion::Jump, layer}, co.slot(kStateEscape));
  } else if (m.now.is_escaping) {
    take_escape(co);
  }
  while (m.leaving != 0 && m.status == Phase::Running && m.scopes >= layer) {
    m.now.is_stale = false;
    if (m.scopes > layer) {
      run_layer(co, layer + 1);
      m.layer = layer;
    } else {
      run_instructions(co);
    }
  }
  // As in R, a jump of what is due, or an error of it that is caught further out,
  // replaces the one that was on its way.
  if (m.leaving == 0) return_from(guard);
  m.leaving = 0;
  if (m.status == Phase::Running) {
    m.now.in_leaf = true;  // still on its way, now outside of this scope
  } else if (m.status == Phase::Paused) {
    finish(co, Phase::Failed, R_NilValue);
    Rf_error("code in `finally` cannot wait for a channel while a jump leaves the body");
  }
}

}  // namespace elsewhere::eval
