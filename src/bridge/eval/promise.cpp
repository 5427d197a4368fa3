#include "bridge/eval/promise.h"

#include "bridge/eval/context.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/loop_queues.h"
#include "bridge/eval/task.h"

namespace elsewhere::eval {
namespace {

enum CoreSlot { kCoreValue, kCoreReactions, kCoreLast, kCoreOwner, kCoreSlots };

// The address of a core is its state; no memory is behind it.
constexpr std::intptr_t kStateBits = 7;
constexpr std::intptr_t kInvisible = 8;
constexpr std::intptr_t kHandled = 16;
constexpr std::intptr_t kDecided = 32;  // follows another promise from now on

SEXP core_tag() {
  static const SEXP tag = Rf_install("elsewhere promise");
  return tag;
}

bool is_core(SEXP value) {
  return TYPEOF(value) == EXTPTRSXP && R_ExternalPtrTag(value) == core_tag();
}

std::intptr_t bits(SEXP core) { return reinterpret_cast<std::intptr_t>(R_ExternalPtrAddr(core)); }

void set_bits(SEXP core, std::intptr_t value) {
  R_SetExternalPtrAddr(core, reinterpret_cast<void*>(value));
}

// A reaction belongs to the loop that was current when it was made; for a
// coroutine, when that was. The global loop is NULL, which costs no memory.
SEXP loop_of(SEXP reaction) {
  const int loop = is_coroutine(reaction) ? coroutine_from(reaction).machine->loop : current_loop();
  return loop == kGlobalLoop ? R_NilValue : Rf_ScalarInteger(loop);
}

void settle(SEXP core, Settled state, SEXP value, std::intptr_t flags) {
  SEXP slots = R_ExternalPtrProtected(core);
  SET_VECTOR_ELT(slots, kCoreValue, value);
  set_bits(core, static_cast<std::intptr_t>(state) | flags | (bits(core) & kHandled));
  SEXP reactions = PROTECT(VECTOR_ELT(slots, kCoreReactions));
  SET_VECTOR_ELT(slots, kCoreReactions, R_NilValue);
  SET_VECTOR_ELT(slots, kCoreLast, R_NilValue);
  for (SEXP rest = reactions; rest != R_NilValue; rest = CDR(rest)) {
    queue_on_loop(TAG(rest) == R_NilValue ? kGlobalLoop : Rf_asInteger(TAG(rest)), CAR(rest), core);
  }
  UNPROTECT(1);
  if (state == Settled::Rejected && !is_handled(core)) {
    Rf_eval(PROTECT(Rf_lang2(hooks().unhandled, core)), R_BaseEnv);
    UNPROTECT(1);
  }
}

void copy_outcome(SEXP from, SEXP to) {
  SEXP value = settled_value(from);
  if (settled_state(from) == Settled::Fulfilled) {
    settle(to, Settled::Fulfilled, value, bits(from) & kInvisible);
  } else {
    settle(to, Settled::Rejected, value, 0);
  }
}

}  // namespace

bool is_native_promise(SEXP value) {
  return TYPEOF(value) == VECSXP && Rf_xlength(value) == 1 && is_core(VECTOR_ELT(value, 0));
}

SEXP new_promise_object(SEXP kind) {
  static const SEXP impl_symbol = Rf_install("promise_impl");
  static const SEXP impl_class = [] {
    SEXP made = PROTECT(Rf_mkString("elsewhere_promise_core"));
    R_PreserveObject(made);
    UNPROTECT(1);
    return made;
  }();
  SEXP slots = PROTECT(Rf_allocVector(VECSXP, kCoreSlots));
  SEXP core = PROTECT(R_MakeExternalPtr(nullptr, core_tag(), slots));
  Rf_setAttrib(core, R_ClassSymbol, impl_class);
  set_bits(core, static_cast<std::intptr_t>(Settled::Pending));
  SEXP object = PROTECT(Rf_allocVector(VECSXP, 1));
  SET_VECTOR_ELT(object, 0, core);
  Rf_setAttrib(object, R_ClassSymbol, kind);
  // Others look here for a promise's state (R/async-promise.R).
  Rf_setAttrib(object, impl_symbol, core);
  UNPROTECT(3);
  return object;
}

SEXP core_of(SEXP promise) {
  if (!is_core(promise) && !is_native_promise(promise)) {
    Rf_error("this is not a promise made by elsewhere");
  }
  const SEXP core = is_core(promise) ? promise : VECTOR_ELT(promise, 0);
  if (bits(core) == 0) refuse_loaded();
  return core;
}

Settled settled_state(SEXP core) { return static_cast<Settled>(bits(core) & kStateBits); }
SEXP settled_value(SEXP core) { return VECTOR_ELT(R_ExternalPtrProtected(core), kCoreValue); }
bool settled_visible(SEXP core) { return (bits(core) & kInvisible) == 0; }
bool is_handled(SEXP core) { return (bits(core) & kHandled) != 0; }
void mark_handled(SEXP core) { set_bits(core, bits(core) | kHandled); }

SEXP promise_owner(SEXP core) { return VECTOR_ELT(R_ExternalPtrProtected(core), kCoreOwner); }

void set_promise_owner(SEXP core, SEXP owner) {
  SET_VECTOR_ELT(R_ExternalPtrProtected(core), kCoreOwner, owner);
}

int reaction_count(SEXP core) {
  return Rf_length(VECTOR_ELT(R_ExternalPtrProtected(core), kCoreReactions));
}

void resolve_core(SEXP core, SEXP value, bool is_visible) {
  if (settled_state(core) != Settled::Pending || (bits(core) & kDecided) != 0) return;
  if (!Rf_isObject(value) || !Rf_inherits(value, "promise")) {
    settle(core, Settled::Fulfilled, value, is_visible ? 0 : kInvisible);
    return;
  }
  if (is_native_promise(value)) {
    if (core_of(value) == core) {
      Rf_error("a promise cannot be resolved with itself");
    }
    set_bits(core, bits(core) | kDecided);
    when_settled(core_of(value), core);
    return;
  }
  set_bits(core, bits(core) | kDecided);
  SEXP call = PROTECT(Rf_lang3(hooks().foreign_resolve, value, core));
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
}

void follow_core(SEXP core, bool is_fulfilled, SEXP value, bool is_visible) {
  set_bits(core, bits(core) & ~kDecided);
  if (is_fulfilled) {
    resolve_core(core, value, is_visible);
  } else {
    reject_core(core, value);
  }
}

void reject_core(SEXP core, SEXP reason) {
  if (settled_state(core) != Settled::Pending || (bits(core) & kDecided) != 0) return;
  settle(core, Settled::Rejected, reason, 0);
}

void when_settled(SEXP core, SEXP reaction) {
  mark_handled(core);
  note_waiter(promise_owner(core));
  if (settled_state(core) != Settled::Pending) {
    queue_reaction(reaction, core);
    return;
  }
  PROTECT(reaction);
  SEXP slots = R_ExternalPtrProtected(core);
  SEXP cell = PROTECT(Rf_cons(reaction, R_NilValue));
  SET_TAG(cell, loop_of(reaction));
  const SEXP last = VECTOR_ELT(slots, kCoreLast);
  if (last == R_NilValue) {
    SET_VECTOR_ELT(slots, kCoreReactions, cell);
  } else {
    SETCDR(last, cell);
  }
  SET_VECTOR_ELT(slots, kCoreLast, cell);
  UNPROTECT(2);
}

void queue_reaction(SEXP reaction, SEXP core) {
  const int loop = is_coroutine(reaction) ? coroutine_from(reaction).machine->loop : current_loop();
  queue_on_loop(loop, reaction, core);
}

void run_reaction(SEXP reaction, SEXP core) {
  if (is_coroutine(reaction)) {
    wake_task(reaction, core);
  } else if (is_core(reaction)) {
    copy_outcome(core, reaction);
  } else if (core == R_NilValue) {
    // A coroutine that was collected as garbage while it waited (waiting.h).
    Rf_eval(PROTECT(Rf_lang2(hooks().close_abandoned, VECTOR_ELT(reaction, 0))), R_BaseEnv);
    UNPROTECT(1);
  } else {
    SEXP state = PROTECT(Rf_ScalarLogical(settled_state(core) == Settled::Fulfilled));
    SEXP visible = PROTECT(Rf_ScalarLogical(settled_visible(core)));
    SEXP holder = PROTECT(Rf_allocVector(VECSXP, 1));
    SET_VECTOR_ELT(holder, 0, settled_value(core));
    SEXP call = PROTECT(Rf_lang5(hooks().run_reaction, reaction, state, holder, visible));
    Rf_eval(call, R_BaseEnv);
    UNPROTECT(4);
  }
}

}  // namespace elsewhere::eval
