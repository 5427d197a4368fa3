#include "bridge/eval/waiting.h"

#include <chrono>

#include "bridge/eval/promise.h"

namespace elsewhere::eval {
namespace {

Machine* first_waiting = nullptr;
Machine* last_waiting = nullptr;

void unlink(Machine& m) {
  if (!m.now.is_watched) return;
  (m.last_waiting == nullptr ? first_waiting : m.last_waiting->next_waiting) = m.next_waiting;
  (m.next_waiting == nullptr ? last_waiting : m.next_waiting->last_waiting) = m.last_waiting;
  m.next_waiting = m.last_waiting = nullptr;
  m.now.is_watched = false;
}

bool has_something_due(const Coroutine& co) {
  const Block* block = blocks(co);
  for (int i = 0; i < co.machine->blocks; ++i) {
    if (block[i].kind == BlockKind::Finally) return true;
  }
  const SEXP parked = co.slot(kStateParked);
  for (int i = 0; i < Rf_length(parked); ++i) {
    if (VECTOR_ELT(parked, i) != R_NilValue) return true;
  }
  return false;
}

// Runs after a collection, inside whatever allocated: it only queues.
void collected(SEXP self) {
  auto* machine = static_cast<Machine*>(R_ExternalPtrAddr(self));
  if (machine == nullptr) return;
  machine->now.has_finalizer = false;
  unlink(*machine);
  if (machine->status != Phase::Paused) return;
  const Coroutine co{machine, R_ExternalPtrProtected(self), self};
  if (!has_something_due(co)) return;
  SEXP reaction = PROTECT(Rf_allocVector(VECSXP, 1));
  SET_VECTOR_ELT(reaction, 0, self);
  queue_reaction(reaction, R_NilValue);
  UNPROTECT(1);
}

void give_finalizer(const Coroutine& co) {
  if (co.machine->now.has_finalizer) return;
  co.machine->now.has_finalizer = true;
  R_RegisterCFinalizerEx(co.self, collected, FALSE);
}

double now() {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void note_waiting(const Coroutine& co) {
  Machine& m = *co.machine;
  give_finalizer(co);
  if (m.now.is_watched) return;
  m.now.is_watched = true;
  m.since = now();
  m.last_waiting = last_waiting;
  (last_waiting == nullptr ? first_waiting : last_waiting->next_waiting) = &m;
  last_waiting = &m;
}

void forget_waiting(const Coroutine& co) { unlink(*co.machine); }

SEXP waiting_coroutines() {
  int count = 0;
  for (const Machine* m = first_waiting; m != nullptr; m = m->next_waiting) ++count;
  // The collection that this allocation may bring takes some off the list.
  SEXP out = PROTECT(Rf_allocVector(VECSXP, count));
  int i = 0;
  for (const Machine* m = first_waiting; m != nullptr && i < count; m = m->next_waiting) {
    SET_VECTOR_ELT(out, i++, m->self);
  }
  UNPROTECT(1);
  return out;
}

void note_paused_generator(const Coroutine& co) {
  if (!co.machine->now.has_finalizer && has_something_due(co)) give_finalizer(co);
}

}  // namespace elsewhere::eval
