#include "bridge/process_engine.h"

#include <R_ext/Rdynload.h>
#include <pthread.h>
#include <unistd.h>

#include "bridge/guard.h"
#include "bridge/notify.h"

namespace elsewhere {
namespace {

// A plain pointer: a forked child leaks the engine, because its thread and its
// mutexes are not there to be destroyed.
Engine* running = nullptr;
bool is_forked_child = false;

void before_fork() {
  if (running != nullptr) running->before_fork();
}

void after_fork_in_parent() {
  if (running != nullptr) running->after_fork_in_parent();
}

void after_fork_in_child() {
  if (running == nullptr) return;
  running->after_fork_in_child();
  running = nullptr;
  is_forked_child = true;
}

}  // namespace

Engine& engine(MainThread& main) {
  if (running != nullptr) return *running;
  if (is_forked_child) {
    throw EngineError({ErrorCode::Forked,
                       "this process was forked from one that uses workers, and cannot use them: "
                       "use them in the parent, or set plan(sequential) here"});
  }
  static const bool is_registered =
      pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
  if (!is_registered) throw EngineError(system_error("cannot register what to do at a fork"));
  auto started = or_throw(Engine::start());
  started->on_notified(later_notifier(main));
  running = started.release();
  return *running;
}

Engine* engine_if_running() { return running; }

void stop_engine(MainThread&) {
  delete running;
  running = nullptr;
}

}  // namespace elsewhere
