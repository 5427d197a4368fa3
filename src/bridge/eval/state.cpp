// Making and reaching a coroutine's state: its two stacks and its slots.
#include <cstring>

#include "bridge/eval/hooks.h"
#include "bridge/eval/loop_queues.h"
#include "bridge/eval/machine.h"
#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

constexpr int kStackAtFirst = 8;
constexpr int kBlocksAtFirst = 4;

SEXP coroutine_tag() {
  static const SEXP tag = Rf_install("elsewhere coroutine");
  return tag;
}

int shown_in(const Block& block) {
  switch (block.kind) {
    case BlockKind::Handler:
    case BlockKind::Restart: return block.guard.shown;
    case BlockKind::Finally: return block.finally.shown;
    case BlockKind::Scope: return block.scope.shown;
    case BlockKind::Shown: return block.shown;
    case BlockKind::Loop:
    case BlockKind::Sub:
    case BlockKind::Switch: return 0;
  }
  return 0;
}

SEXP grown(SEXP vector) { return Rf_lengthgets(vector, 2 * Rf_length(vector)); }

}  // namespace

void refuse_loaded() {
  Rf_eval(PROTECT(Rf_lang1(hooks().refuse_loaded)), R_BaseEnv);
  Rf_error("this was saved and loaded");  // the call above does not return
}

bool is_coroutine(SEXP value) {
  return TYPEOF(value) == EXTPTRSXP && R_ExternalPtrTag(value) == coroutine_tag();
}

Coroutine coroutine_from(SEXP pointer) {
  if (!is_coroutine(pointer)) Rf_error("this is not a coroutine");
  auto* machine = static_cast<Machine*>(R_ExternalPtrAddr(pointer));
  if (machine == nullptr) {
    refuse_loaded();
  }
  return {machine, R_ExternalPtrProtected(pointer), pointer};
}

SEXP new_coroutine(SEXP program, SEXP env, BodyKind kind, SEXP trace_function, SEXP call,
                   SEXP frame) {
  SEXP state = PROTECT(Rf_allocVector(VECSXP, kStateSlots));
  SET_VECTOR_ELT(state, kStateProgram, program);
  SET_VECTOR_ELT(state, kStateEnv, env);
  SET_VECTOR_ELT(state, kStateStack, Rf_allocVector(VECSXP, kStackAtFirst));
  SET_VECTOR_ELT(state, kStateBlocks, Rf_allocVector(INTSXP, kBlocksAtFirst * kBlockInts));
  SEXP raw = Rf_allocVector(RAWSXP, sizeof(Machine));
  SET_VECTOR_ELT(state, kStateMachine, raw);
  std::memset(RAW(raw), 0, sizeof(Machine));
  auto* machine = reinterpret_cast<Machine*>(RAW(raw));
  machine->status = Phase::Fresh;
  machine->kind = kind;
  machine->layer = -1;
  machine->now.is_visible = true;
  if (kind == BodyKind::Async || kind == BodyKind::Stream) machine->loop = current_loop();
  machine->options.parks = LOGICAL(VECTOR_ELT(program, kProgramParks))[0] == TRUE;
  machine->options.is_plain =
      kind == BodyKind::Generator && LOGICAL(VECTOR_ELT(program, kProgramIsPlain))[0] == TRUE;
  machine->options.is_traced = trace_function != R_NilValue;
  machine->error_pc = -1;
  SET_VECTOR_ELT(state, kStateTrace, trace_function);
  SET_VECTOR_ELT(state, kStateCall, call);
  SET_VECTOR_ELT(state, kStateFrame, frame);
  SEXP self = R_MakeExternalPtr(machine, coroutine_tag(), state);
  machine->self = self;
  UNPROTECT(1);
  return self;
}

void push(const Coroutine& co, SEXP value) {
  SEXP stack = co.slot(kStateStack);
  if (co.machine->sp == Rf_length(stack)) {
    PROTECT(value);
    stack = grown(stack);
    co.set(kStateStack, stack);
    UNPROTECT(1);
  }
  SET_VECTOR_ELT(stack, co.machine->sp++, value);
}

SEXP top(const Coroutine& co, int below) {
  return VECTOR_ELT(co.slot(kStateStack), co.machine->sp - 1 - below);
}

// Dropped slots are cleared: what stays referenced cannot be changed in place.
void drop(const Coroutine& co, int count) {
  const SEXP stack = co.slot(kStateStack);
  while (count-- > 0) SET_VECTOR_ELT(stack, --co.machine->sp, R_NilValue);
}

Block* blocks(const Coroutine& co) {
  return reinterpret_cast<Block*>(INTEGER(co.slot(kStateBlocks)));
}

bool is_closing_loop(const Block& block) {
  return block.kind == BlockKind::Loop && block.loop.closes;
}

Block& push_block(const Coroutine& co, BlockKind kind) {
  if ((co.machine->blocks + 1) * kBlockInts > Rf_length(co.slot(kStateBlocks))) {
    co.set(kStateBlocks, grown(co.slot(kStateBlocks)));
  }
  Block& block = blocks(co)[co.machine->blocks++];
  block = Block{};
  block.kind = kind;
  block.sp = co.machine->sp;
  return block;
}

SEXP constant(const Coroutine& co, int index) {
  return VECTOR_ELT(VECTOR_ELT(co.slot(kStateProgram), kProgramConstants), index);
}

SEXP layer_env(const Coroutine& co, int layer) {
  if (layer == 0) return co.slot(kStateEnv);
  int scope = 0;
  const Block* block = blocks(co);
  for (int i = 0; i < co.machine->blocks; ++i) {
    if (block[i].kind == BlockKind::Scope && ++scope == layer) {
      return VECTOR_ELT(co.slot(kStateStack), block[i].scope.environment);
    }
  }
  return co.slot(kStateEnv);
}

SEXP current_env(const Coroutine& co) { return layer_env(co, co.machine->scopes); }

SEXP shown_call(const Coroutine& co) {
  const Block* block = blocks(co);
  for (int i = co.machine->blocks - 1; i >= 0; --i) {
    const int shown = shown_in(block[i]);
    if (shown > 0) return constant(co, shown - 1);
  }
  const SEXP call = co.slot(kStateCall);
  if (TYPEOF(call) == LANGSXP) return call;
  return VECTOR_ELT(hooks().shown_bodies, static_cast<int>(co.machine->kind));
}

void trace(const Coroutine& co, const char* message) {
  if (!co.machine->options.is_traced) return;
  SEXP text = PROTECT(Rf_mkString(message));
  SEXP call = PROTECT(Rf_lang2(co.slot(kStateTrace), text));
  Rf_eval(call, current_env(co));
  UNPROTECT(2);
}

void trace_about(const Coroutine& co, const char* before, SEXP about, const char* after) {
  if (!co.machine->options.is_traced) return;
  SEXP quoted = PROTECT(Rf_lang2(hooks().quote, about));
  SEXP start = PROTECT(Rf_mkString(before));
  SEXP end = PROTECT(Rf_mkString(after));
  SEXP call = PROTECT(Rf_lang5(hooks().trace_about, co.slot(kStateTrace), start, quoted, end));
  Rf_eval(call, current_env(co));
  UNPROTECT(4);
}

SEXP source_position(const Coroutine& co, int pc) {
  const SEXP program = co.slot(kStateProgram);
  const SEXP starts = VECTOR_ELT(program, kProgramLines);
  int found = -1;
  for (int i = 0; i < Rf_length(starts); ++i) {
    if (INTEGER(starts)[i] < pc) found = i;
  }
  return found < 0 ? R_NilValue : VECTOR_ELT(VECTOR_ELT(program, kProgramSrcrefs), found);
}

SEXP pausing_call(const Coroutine& co) {
  const Machine& m = *co.machine;
  if (m.pc < 1) return R_NilValue;
  const int* at =
      INTEGER(VECTOR_ELT(co.slot(kStateProgram), kProgramCode)) + (m.pc - 1) * kInstructionInts;
  const auto op = static_cast<Op>(at[0]);
  const bool has_call = (op == Op::Await || op == Op::NextItem) && at[1] >= 0;
  return has_call ? constant(co, at[1]) : R_NilValue;
}

// A finished body lets go of all it held.
void finish(const Coroutine& co, Phase status, SEXP value) {
  co.set(kStateResult, value);
  Machine& m = *co.machine;
  m.status = status;
  if (m.sp > 0) drop(co, m.sp);
  m.blocks = 0;
  m.scopes = 0;
  co.set(kStateSent, R_NilValue);
  co.set(kStateEscape, R_NilValue);
  co.set(kStateDelegate, R_NilValue);
}

void let_go(const Coroutine& co) {
  co.set(kStateEnv, R_EmptyEnv);
  co.set(kStateBase, R_NilValue);
  co.set(kStateScope, R_NilValue);
  co.set(kStateParked, R_NilValue);
  co.set(kStateStack, R_NilValue);
  co.set(kStateFrame, R_NilValue);
  co.set(kStateShown, R_NilValue);
}

}  // namespace elsewhere::eval
