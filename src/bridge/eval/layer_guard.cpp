#include "bridge/eval/layer_guard.h"

#include "bridge/eval/base_call.h"
#include "bridge/eval/hooks.h"

namespace elsewhere::eval {
namespace {

bool has_guarded_block(const Coroutine& co, int layer) {
  const Machine& m = *co.machine;
  const Block* block = blocks(co);
  int scope = 0;
  for (int i = 0; i < m.blocks; ++i) {
    const auto kind = block[i].kind;
    if (kind == BlockKind::Scope) ++scope;
    if (kind == BlockKind::Restart && scope == layer) return true;
    const bool is_ours = kind == BlockKind::Handler || kind == BlockKind::Finally ||
                         kind == BlockKind::Shown || is_closing_loop(block[i]);
    if (!is_ours) continue;
    const bool may_pause = kind == BlockKind::Finally && block[i].finally.may_pause;
    if (scope == layer || (layer == 0 && (m.kind != BodyKind::Generator || may_pause))) return true;
  }
  return false;
}

// Calls `each` with the index of each RESTART block of the layer, outermost
// first; how many there are.
template <class Each>
int for_restarts(const Coroutine& co, int layer, Each&& each) {
  const Block* block = blocks(co);
  int scope = 0;
  int count = 0;
  for (int i = 0; i < co.machine->blocks; ++i) {
    if (block[i].kind == BlockKind::Scope) ++scope;
    if (block[i].kind != BlockKind::Restart || scope != layer) continue;
    each(i, count++);
  }
  return count;
}

int count_restarts(const Coroutine& co, int layer) {
  return for_restarts(co, layer, [](int, int) {});
}

// For R: the RESTART blocks of the layer (a list of their names, and where they
// stand in the block stack).
SEXP restarts_of(const Coroutine& co, int layer, int count) {
  SEXP out = PROTECT(Rf_allocVector(VECSXP, 2));
  SET_VECTOR_ELT(out, 0, Rf_allocVector(VECSXP, count));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(INTSXP, count));
  for_restarts(co, layer, [&](int at, int number) {
    SET_VECTOR_ELT(VECTOR_ELT(out, 0), number, constant(co, blocks(co)[at].guard.names));
    INTEGER(VECTOR_ELT(out, 1))[number] = at;
  });
  UNPROTECT(1);
  return out;
}

}  // namespace

bool wants_guard(const Coroutine& co, int layer) {
  const Machine& m = *co.machine;
  if ((m.guarded & bit(layer)) != 0) return false;
  if (m.now.in_closure && layer == 0 && m.kind != BodyKind::Generator) return true;
  return m.blocks > 0 && has_guarded_block(co, layer);
}

void run_guarded(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  SEXP number = PROTECT(Rf_ScalarInteger(layer));
  SEXP loop = PROTECT(drive_loop(co, layer));
  const int count = count_restarts(co, layer);
  SEXP restarts = PROTECT(count == 0 ? R_NilValue : restarts_of(co, layer, count));
  SEXP call = PROTECT(Rf_lang5(hooks().guard, co.self, number, loop, restarts));
  m.guarded |= bit(layer);
  m.told &= ~bit(layer);
  m.restarts[layer] = static_cast<uint8_t>(count);
  Rf_eval(call, layer_env(co, layer));
  m.guarded &= ~from(layer);
  m.told &= ~from(layer);
  m.layer = layer;
  UNPROTECT(4);
}

bool is_guard_stale(const Coroutine& co, int layer) {
  Machine& m = *co.machine;
  m.now.is_stale = false;
  if ((m.guarded & bit(layer)) == 0) return false;
  return (m.told & bit(layer)) != 0 || m.restarts[layer] != count_restarts(co, layer);
}

SEXP run_shown(const Coroutine& co, int layer, SEXP frame, bool has_handler) {
  static const SEXP function = Rf_install("withCallingHandlers");
  static const SEXP loop = Rf_install("loop"), handler = Rf_install("handler"),
                    condition = Rf_install("condition");
  SEXP call = PROTECT(has_handler ? Rf_lang3(function, loop, handler) : Rf_lang2(function, loop));
  if (has_handler) SET_TAG(CDDR(call), condition);
  SEXP shown = co.slot(kStateShown);
  if (Rf_length(shown) <= layer) {
    shown =
        shown == R_NilValue ? Rf_allocVector(VECSXP, layer + 1) : Rf_lengthgets(shown, layer + 1);
    co.set(kStateShown, shown);
  }
  SET_VECTOR_ELT(shown, layer, call);
  SEXP value = Rf_eval(call, frame);
  UNPROTECT(1);
  return value;
}

SEXP guard_call(const Coroutine& co, int layer) {
  const SEXP list = co.slot(kStateShown);
  return (co.machine->guarded & bit(layer)) == 0 || Rf_length(list) <= layer
             ? R_NilValue
             : VECTOR_ELT(list, layer);
}

// R has taken the arguments long since: only the text of the call is left of it.
void show_call(const Coroutine& co, int layer) {
  SEXP call = guard_call(co, layer);
  if (call == R_NilValue) return;
  const SEXP shown = shown_call(co);
  if (CAR(call) == CAR(shown) && CDR(call) == CDR(shown)) return;
  SETCAR(call, CAR(shown));
  SETCDR(call, CDR(shown));
}

}  // namespace elsewhere::eval
