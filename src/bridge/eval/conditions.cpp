// Conditions: the calling handler around a layer looks for a handler among the
// machine's blocks, as R would among its own.
#include "bridge/eval/base.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/layer_guard.h"
#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

// The blocks that belong to `layer`: above its SCOPE block, below the next.
void layer_range(const Coroutine& co, int layer, int* low, int* high) {
  *low = 0;
  *high = co.machine->blocks;
  int scope = 0;
  const Block* block = blocks(co);
  for (int i = 0; i < co.machine->blocks; ++i) {
    if (block[i].kind != BlockKind::Scope) continue;
    ++scope;
    if (scope == layer) *low = i + 1;
    if (scope == layer + 1) *high = i;
  }
}

bool has_call(SEXP condition, SEXP call) {
  if (call == R_NilValue || TYPEOF(condition) != VECSXP) return false;
  for (R_xlen_t i = 0; i < Rf_xlength(condition); ++i) {
    if (VECTOR_ELT(condition, i) == call) return true;
  }
  return false;
}

// Must an error that nothing catches leave R's frames before the body goes on to
// end? In a task always where something is due; in a generator only if that may
// pause: else R's own way, past whoever asked for a value, is the faithful one.
bool ends_outside(const Coroutine& co) {
  const Machine& m = *co.machine;
  const bool is_task = m.kind == BodyKind::Async || m.kind == BodyKind::Stream;
  if (is_task && m.now.in_closure) return true;
  const Block* block = blocks(co);
  for (int i = 0; i < m.blocks; ++i) {
    const bool is_finally = block[i].kind == BlockKind::Finally;
    // The iterators of loops are closed before what R's on.exit() does.
    if (is_task && is_closing_loop(block[i])) return true;
    if (is_finally && (is_task || block[i].finally.may_pause)) return true;
  }
  return false;
}

// Leaves everything R is doing inside the guard. Does not return.
void escape(const Coroutine& co, Completion kind, SEXP condition, int target, int matched,
            SEXP frame) {
  Machine& m = *co.machine;
  co.set(kStateEscape, condition);
  if (kind == Completion::Reject) m.error_pc = m.pc;
  m.now.is_escaping = true;
  m.escape = {kind, target, matched};
  Rf_eval(Rf_lang1(symbols().return_), frame);
}

void run_calling(const Coroutine& co, SEXP handler, SEXP condition, int layer, int block, int index,
                 SEXP frame) {
  SEXP position = PROTECT(Rf_allocVector(INTSXP, 3));
  INTEGER(position)[0] = layer;
  INTEGER(position)[1] = block;
  INTEGER(position)[2] = index;
  SEXP call = PROTECT(Rf_lcons(hooks().run_calling,
                               PROTECT(Rf_list5(handler, condition, co.self, position, frame))));
  Rf_eval(call, R_GlobalEnv);
  UNPROTECT(3);
}

}  // namespace

void dispatch(const Coroutine& co, int layer, SEXP condition, SEXP frame, int from_block,
              int from_handler) {
  Machine& m = *co.machine;
  if (m.status != Phase::Running || m.now.is_escaping) return;
  if (has_call(condition, guard_call(co, layer))) m.told |= bit(layer);
  int low = 0;
  int high = 0;
  layer_range(co, layer, &low, &high);
  if (from_block < 0 || from_block >= high) {
    from_block = high - 1;
    from_handler = 0;
  }
  for (int b = from_block; b >= low; --b, from_handler = 0) {
    const Block block = blocks(co)[b];
    if (block.kind != BlockKind::Handler) continue;
    const SEXP classes = constant(co, block.guard.names);
    for (int i = from_handler; i < Rf_length(classes); ++i) {
      if (!Rf_inherits(condition, CHAR(STRING_ELT(classes, i)))) continue;
      if (!block.guard.is_calling) escape(co, Completion::Throw, condition, b, i, frame);
      SEXP handler = PROTECT(VECTOR_ELT(co.slot(kStateStack), block.sp - block.guard.count + i));
      run_calling(co, handler, condition, layer, b, i + 1, frame);
      UNPROTECT(1);
    }
  }
  const bool is_end = Rf_inherits(condition, "error") ||
                      (Rf_inherits(condition, "interrupt") && m.kind != BodyKind::Generator);
  if (layer == 0 && is_end && ends_outside(co)) {
    escape(co, Completion::Reject, condition, 0, 0, frame);
  }
  // For print(): on its way out it passes R code that forgets it.
  if (is_end) co.set(kStateEscape, condition);
}

// R has left everything inside a restart of ours, and calls it.
void restart(const Coroutine& co, int block, int index, SEXP arguments) {
  Machine& m = *co.machine;
  co.set(kStateEscape, arguments);
  m.now.is_escaping = true;
  m.escape = {Completion::Throw, block, index};
}

}  // namespace elsewhere::eval
