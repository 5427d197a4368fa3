#include "bridge/eval/loop_queues.h"

#include <vector>

#include "bridge/eval/hooks.h"
#include "bridge/eval/promise.h"

namespace elsewhere::eval {
namespace {

// A queue is a preserved cell whose CDR is a list of reactions, each with its
// core as tag.
struct Queue {
  int loop;
  SEXP root;
  SEXP last;
  bool is_scheduled;
};

// The global loop's comes first. Few: private loops are rare, and the queue of
// one that is gone is given to the next.
std::vector<Queue> queues;  // NOLINT: main thread only, lives as long as R

bool is_loop(int loop) {
  if (loop == kGlobalLoop) return true;
  SEXP call = PROTECT(Rf_lang2(hooks().is_loop, PROTECT(Rf_ScalarInteger(loop))));
  const bool is_there = Rf_asLogical(Rf_eval(call, R_BaseEnv)) == TRUE;
  UNPROTECT(2);
  return is_there;
}

bool is_empty(const Queue& queue) { return CDR(queue.root) == R_NilValue; }

Queue& reused_for(Queue& queue, int loop) {
  SETCDR(queue.root, R_NilValue);
  queue = Queue{loop, queue.root, queue.root, false};
  return queue;
}

// The vector may grow while R looks for a loop (a finalizer may run), so that
// only indices stay valid, and no reference across a call of R.
Queue& queue_of(int loop) {
  for (Queue& queue : queues) {
    if (queue.loop == loop) return queue;
  }
  for (std::size_t i = 0; i < queues.size(); ++i) {
    if (!is_loop(queues[i].loop)) return reused_for(queues[i], loop);
  }
  SEXP root = Rf_cons(R_NilValue, R_NilValue);
  R_PreserveObject(root);
  queues.push_back(Queue{loop, root, root, false});
  return queues.back();
}

bool run_oldest(int loop) {
  Queue& queue = queue_of(loop);
  SEXP cell = CDR(queue.root);
  if (cell == R_NilValue) return false;
  PROTECT(cell);
  SETCDR(queue.root, CDR(cell));
  if (is_empty(queue)) queue.last = queue.root;
  // The reaction may run the event loop, and wait there for one of the others.
  schedule_drain(loop);
  run_reaction(CAR(cell), TAG(cell));
  UNPROTECT(1);
  return true;
}

}  // namespace

int current_loop() {
  SEXP call = PROTECT(Rf_lang1(hooks().current_loop));
  const int loop = Rf_asInteger(Rf_eval(call, R_BaseEnv));
  UNPROTECT(1);
  return loop;
}

void queue_on_loop(int loop, SEXP reaction, SEXP core) {
  PROTECT(reaction);
  PROTECT(core);
  SEXP cell = PROTECT(Rf_cons(reaction, R_NilValue));
  SET_TAG(cell, core);
  if (!is_loop(loop)) loop = kGlobalLoop;
  Queue& queue = queue_of(loop);
  SETCDR(queue.last, cell);
  queue.last = cell;
  UNPROTECT(3);
  schedule_drain(loop);
}

void drain(int loop, int count_max) {
  queue_of(loop).is_scheduled = false;
  for (int i = 0; i < count_max; ++i) {
    if (!run_oldest(loop)) break;
  }
}

void schedule_drain(int loop) {
  Queue& queue = queue_of(loop);
  if (queue.is_scheduled || is_empty(queue)) return;
  queue.is_scheduled = true;
  SEXP call = PROTECT(Rf_lang2(hooks().schedule, PROTECT(Rf_ScalarInteger(loop))));
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(2);
}

}  // namespace elsewhere::eval
