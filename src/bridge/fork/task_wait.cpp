#include "bridge/fork/task_wait.h"

#include <algorithm>

#include "bridge/fork/forked_evaluation.h"
#include "bridge/guard.h"
#include "bridge/process_engine.h"

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A signal that comes just before the wait begins does not end it, so one wait
// is never longer than this.
constexpr milliseconds kSlice{200};
// Two kinds at once have no descriptor in common. Such a wait is rare: a list of
// futures made under two plans.
constexpr milliseconds kSliceMixed{2};

// What the forks alone say; TimedOut while there is more to wait for.
WaitEnd look_at_forks(const AwaitedTasks& tasks) {
  std::size_t settled = 0;
  for (ForkedTask* task : tasks.forked) {
    task->look();
    if (tasks.on_event == WaitEvents::Return && task->has_events()) return WaitEnd::Event;
    if (task->state() == TaskState::Settled) ++settled;
  }
  const bool is_done = tasks.what == WaitFor::Any ? settled > 0 : settled == tasks.forked.size();
  return is_done ? WaitEnd::Settled : WaitEnd::TimedOut;
}

WaitEnd wait_pooled(MainThread& main, const AwaitedTasks& tasks, milliseconds slice) {
  const auto end = engine(main).wait(tasks.pooled, tasks.what, tasks.on_event, slice);
  if (!end.ok() && end.error().code != ErrorCode::Interrupted) or_throw(end);
  return end.ok() ? end.value() : WaitEnd::TimedOut;
}

WaitEnd wait_once(MainThread& main, const AwaitedTasks& tasks, milliseconds slice) {
  if (tasks.forked.empty()) return wait_pooled(main, tasks, slice);
  const WaitEnd end = look_at_forks(tasks);
  if (tasks.pooled.empty()) {
    if (end != WaitEnd::TimedOut) return end;
    wait_for_forks(tasks.forked, slice);
    return look_at_forks(tasks);
  }
  if (end == WaitEnd::Event || (end == WaitEnd::Settled && tasks.what == WaitFor::Any)) return end;
  const WaitEnd pooled = wait_pooled(main, tasks, std::min(slice, kSliceMixed));
  if (pooled != WaitEnd::Settled || tasks.what == WaitFor::Any) return pooled;
  if (end != WaitEnd::Settled) wait_for_forks(tasks.forked, slice);
  return look_at_forks(tasks);
}

}  // namespace

WaitEnd wait_for_tasks(MainThread& main, const AwaitedTasks& tasks,
                       std::optional<milliseconds> limit) {
  const auto start = Clock::now();
  for (;;) {
    auto slice = kSlice;
    if (limit) {
      const auto spent = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
      slice = std::clamp(*limit - spent, milliseconds(0), kSlice);
    }
    const WaitEnd end = wait_once(main, tasks, slice);
    if (end != WaitEnd::TimedOut) return end;
    r_call(main, [] { R_CheckUserInterrupt(); });
    if (limit && Clock::now() - start >= *limit) return WaitEnd::TimedOut;
  }
}

}  // namespace elsewhere
