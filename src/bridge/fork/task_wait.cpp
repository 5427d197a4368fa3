#include "bridge/fork/task_wait.h"

#include <algorithm>

#include "bridge/fork/forked_evaluation.h"
#include "bridge/guard.h"
#include "bridge/process_engine.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A signal that comes just before the wait begins does not end it, so one wait
// is never longer than this.
constexpr milliseconds kSlice{200};

struct ForksSeen {
  std::size_t settled = 0;
  bool has_event = false;
};

ForksSeen look_at_forks(const AwaitedTasks& tasks) {
  ForksSeen seen;
  for (HeldTask* task : tasks.forked) {
    task->look();
    if (tasks.on_event == WaitEvents::Return && task->has_events()) seen.has_event = true;
    if (task->state() == TaskState::Settled) ++seen.settled;
  }
  return seen;
}

WaitEnd wait_pooled(MainThread& main, const AwaitedTasks& tasks, std::size_t enough,
                    milliseconds slice, const std::vector<int>& also) {
  const auto end = engine(main).wait(tasks.pooled, enough, tasks.on_event, slice, also);
  if (!end.ok() && end.error().code != ErrorCode::Interrupted) or_throw(end);
  return end.ok() ? end.value() : WaitEnd::TimedOut;
}

// No longer than until one of the tasks is late.
milliseconds until_look(const AwaitedTasks& tasks, milliseconds slice) {
  for (const HeldTask* task : tasks.forked) {
    const bool is_settled = task->state() == TaskState::Settled;
    const auto left = is_settled ? std::nullopt : time_left(task->look_by());
    if (left) slice = std::min(slice, *left);
  }
  return slice;
}

WaitEnd wait_once(MainThread& main, const AwaitedTasks& tasks, milliseconds slice) {
  if (tasks.forked.empty()) return wait_pooled(main, tasks, tasks.enough, slice, {});
  const ForksSeen seen = look_at_forks(tasks);
  if (seen.has_event) return WaitEnd::Event;
  if (seen.settled >= tasks.enough) return WaitEnd::Settled;
  const std::size_t missing = tasks.enough - seen.settled;
  const std::vector<int> forks = descriptors_of(tasks.forked);
  if (!tasks.pooled.empty()) {
    const WaitEnd end = wait_pooled(main, tasks, missing, slice, forks);
    const bool is_enough = missing <= tasks.pooled.size();
    if (end == WaitEnd::Event || (end == WaitEnd::Settled && is_enough)) return end;
    if (end != WaitEnd::Settled) return WaitEnd::TimedOut;
  }
  // What is still missing can come from the forks alone. A signal ends the wait.
  (void)wait_any_readable(forks, slice);
  return WaitEnd::TimedOut;
}

}  // namespace

WaitEnd wait_for_tasks(MainThread& main, AwaitedTasks wanted, std::optional<milliseconds> limit) {
  wanted.enough = std::min(wanted.enough, wanted.pooled.size() + wanted.forked.size());
  const auto start = Clock::now();
  for (;;) {
    auto slice = kSlice;
    if (limit) {
      const auto spent = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
      slice = std::clamp(*limit - spent, milliseconds(0), kSlice);
    }
    const WaitEnd end = wait_once(main, wanted, until_look(wanted, slice));
    if (end != WaitEnd::TimedOut) return end;
    r_call(main, [] { R_CheckUserInterrupt(); });
    if (limit && Clock::now() - start >= *limit) return WaitEnd::TimedOut;
  }
}

}  // namespace elsewhere
