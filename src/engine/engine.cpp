#include "engine/engine.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

// So often a millisecond apart: a machine that stands still meanwhile does not count.
constexpr int kFarewellLooks = 1000;
constexpr int kAheadOfEachWorker = 4;

// "epoll: Operation not permitted", where that is all that Asio says.
std::string said_of(const std::system_error& failure) {
  const int number = failure.code().value();  // Asio's errors are a family of their own
  const bool is_refused = number == EPERM || number == ENOSYS;
  return failure.what() +
         std::string(
             is_refused ? ". The container or an old kernel refuses this system call; install "
                          "elsewhere with ELSEWHERE_OS=portable in the environment to do without it"
                        : "");
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::start() {
  auto wakeup = Wakeup::open();
  if (!wakeup.ok()) return wakeup.error();
  try {
    return std::unique_ptr<Engine>(new Engine(std::move(wakeup.value())));
  } catch (const std::system_error& failure) {
    return Error{ErrorCode::System, "cannot wait for workers: " + said_of(failure)};
  }
}

Engine::Engine(Wakeup wakeup) : wakeup_(std::move(wakeup)), scheduler_(loop_, *this) {
  // A job that throws leaves its pool in an unknown state: every task is told.
  loop_.on_failed_job([this](Turn& turn, const char*) { scheduler_.close(turn); });
}

Engine::~Engine() {
  loop_.with_turn([&](Turn& turn) { scheduler_.close(turn); });
  // The workers leave within milliseconds of their channel's end; only the
  // living loop can collect their exits.
  for (int look = 0; look < kFarewellLooks; ++look) {
    if (loop_.with_turn([&](Turn& turn) { return scheduler_.has_ended(turn); })) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  loop_.stop();
}

PoolId Engine::open_pool(PoolSpec spec) {
  return loop_.with_turn([&](Turn& turn) { return scheduler_.open_pool(turn, std::move(spec)); });
}

void Engine::close_pool(PoolId pool) {
  loop_.with_turn([&](Turn& turn) { scheduler_.close_pool(turn, pool); });
}

std::vector<Engine::Errand> Engine::submit_everywhere(PoolId id, Parcel payload, WorkerId after) {
  auto shared = std::make_shared<const Parcel>(std::move(payload));
  return loop_.with_turn([&](Turn& turn) {
    std::set<WorkerId> busy;
    if (Pool* pool = scheduler_.find_pool(turn, id)) {
      for (const Worker* worker : pool->lasting_workers()) {
        if (worker->state() == WorkerState::Busy) busy.insert(worker->id());
      }
    }
    std::vector<Errand> errands;
    for (const Task* task : scheduler_.submit_everywhere(turn, id, std::move(shared), after)) {
      errands.push_back({task->id, *task->only_in, busy.contains(*task->only_in)});
    }
    return errands;
  });
}

void Engine::set_setup(PoolId pool, SharedParcel setup, SharedParcel remote_setup) {
  loop_.with_turn([&](Turn& turn) {
    scheduler_.set_setup(turn, pool, std::move(setup), std::move(remote_setup));
  });
}

PoolStatus Engine::pool_status(PoolId id) {
  return loop_.with_turn([&](Turn& turn) {
    const Pool* pool = scheduler_.find_pool(turn, id);
    if (pool == nullptr) {
      PoolStatus closed;
      closed.is_open = false;
      return closed;
    }
    return PoolStatus{pool->size(),
                      pool->busy_count(),
                      static_cast<int>(scheduler_.queued_count(turn, id)),
                      pool->pids(),
                      pool->broken().value_or(""),
                      true,
                      pool->log().answered(),
                      pool->log().started(),
                      pool->log().ended()};
  });
}

std::vector<PoolEvent> Engine::pool_events(PoolId id) {
  return loop_.with_turn([&](Turn& turn) {
    const Pool* pool = scheduler_.find_pool(turn, id);
    if (pool == nullptr) return std::vector<PoolEvent>();
    const auto& events = pool->log().events();
    return std::vector<PoolEvent>(events.begin(), events.end());
  });
}

int Engine::pool_free(PoolId pool) {
  return loop_.with_turn([&](Turn& turn) { return scheduler_.free_count(turn, pool); });
}

int Engine::pool_room(PoolId id) {
  return loop_.with_turn([&](Turn& turn) {
    const Pool* pool = scheduler_.find_pool(turn, id);
    if (pool == nullptr) return 1;
    const auto queued = static_cast<int>(scheduler_.queued_count(turn, id));
    return kAheadOfEachWorker * pool->size() - pool->busy_count() - queued;
  });
}

bool Engine::has_room(Turn& turn, PoolId pool, double queued_max) {
  const Pool* open = scheduler_.find_pool(turn, pool);
  if (open == nullptr || open->broken()) return true;
  if (scheduler_.free_count(turn, pool) > 0) return true;
  return static_cast<double>(scheduler_.queued_count(turn, pool)) < queued_max;
}

Result<bool> Engine::wait_for_room(PoolId pool, double queued_max,
                                   std::optional<std::chrono::milliseconds> timeout) {
  const bool must_wait = loop_.with_turn([&](Turn& turn) {
    if (has_room(turn, pool, queued_max)) return false;
    room_wanted_ = {pool, queued_max};
    wakeup_.clear();
    return true;
  });
  if (!must_wait) return true;
  const auto woken = wait_ready(wakeup_.fd(), Ready::Readable, timeout);
  return loop_.with_turn([&](Turn& turn) -> Result<bool> {
    room_wanted_.reset();
    if (has_room(turn, pool, queued_max)) return true;
    if (!woken.ok()) return woken.error();
    return false;
  });
}

// Empty while workers are still starting.
std::optional<std::string> Engine::start_state(Turn& turn, PoolId id) {
  const Pool* pool = scheduler_.find_pool(turn, id);
  if (pool == nullptr) return "";
  if (pool->broken()) return *pool->broken();
  if (pool->failed_start()) return *pool->failed_start();
  return pool->started_count() >= pool->size() ? std::optional<std::string>("") : std::nullopt;
}

Result<std::optional<std::string>> Engine::wait_for_start(
    PoolId pool, std::optional<std::chrono::milliseconds> timeout) {
  const auto before = loop_.with_turn([&](Turn& turn) {
    auto state = start_state(turn, pool);
    if (!state) start_wanted_ = pool;
    wakeup_.clear();
    return state;
  });
  if (before) return before;
  const auto woken = wait_ready(wakeup_.fd(), Ready::Readable, timeout);
  return loop_.with_turn([&](Turn& turn) -> Result<std::optional<std::string>> {
    start_wanted_.reset();
    auto state = start_state(turn, pool);
    if (!state && !woken.ok()) return woken.error();
    return state;
  });
}

void Engine::on_start_failed(Turn&, PoolId pool) {
  if (start_wanted_ == pool) wakeup_.raise();
}

void Engine::on_worker_idle(Turn& turn, PoolId pool) {
  if (start_wanted_ == pool && start_state(turn, pool)) wakeup_.raise();
  if (!room_wanted_ || room_wanted_->pool != pool) return;
  if (has_room(turn, pool, room_wanted_->queued_max)) wakeup_.raise();
}

TaskId Engine::submit(PoolId pool, Parcel payload, TaskOptions options) {
  auto shared = std::make_shared<const Parcel>(std::move(payload));
  return loop_.with_turn(
      [&](Turn& turn) { return scheduler_.submit(turn, pool, std::move(shared), options).id; });
}

Task& Engine::task_of(Turn& turn, TaskId id) {
  Task* task = scheduler_.find(turn, id);
  ensure(task != nullptr, "this task has been forgotten");
  return *task;
}

TaskState Engine::task_state(TaskId id) {
  return loop_.with_turn([&](Turn& turn) { return task_of(turn, id).state; });
}

const Outcome& Engine::outcome(TaskId id) {
  return loop_.with_turn([&](Turn& turn) -> const Outcome& {
    const Task& task = task_of(turn, id);
    ensure(task.state == TaskState::Settled, "this task has not settled, so it has no outcome");
    return task.outcome;  // a settled task does not change
  });
}

TaskView Engine::view_of(Turn& turn, TaskId id) {
  const Task& task = task_of(turn, id);
  return {task.state, !task.events.empty(),
          task.state == TaskState::Settled ? &task.outcome : nullptr};
}

TaskView Engine::view(TaskId id) {
  return loop_.with_turn([&](Turn& turn) { return view_of(turn, id); });
}

std::vector<TaskView> Engine::views(std::span<const TaskId> tasks) {
  std::vector<TaskView> seen;
  seen.reserve(tasks.size());
  loop_.with_turn([&](Turn& turn) {
    for (const TaskId id : tasks) seen.push_back(view_of(turn, id));
  });
  return seen;
}

std::vector<Parcel> Engine::take_events(TaskId id) {
  return loop_.with_turn([&](Turn& turn) { return std::exchange(task_of(turn, id).events, {}); });
}

bool Engine::cancel(TaskId task, std::chrono::milliseconds grace) {
  return loop_.with_turn([&](Turn& turn) { return scheduler_.cancel(turn, task, grace); });
}

void Engine::forget(TaskId task) {
  loop_.with_turn([&](Turn& turn) { scheduler_.forget(turn, task); });
}

void Engine::forget_later(TaskId task) {
  loop_.post([this, task](Turn& turn) { scheduler_.forget(turn, task); });
}

Result<WaitEnd> Engine::wait(std::span<const TaskId> tasks, std::size_t enough, WaitEvents events,
                             std::optional<std::chrono::milliseconds> timeout,
                             std::span<const int> also) {
  const auto set_awaited = [&](Turn& turn, bool is_awaited) {
    std::size_t settled = 0;
    has_event_ = false;
    for (const TaskId id : tasks) {
      Task& task = task_of(turn, id);
      task.is_awaited = is_awaited;
      if (task.state == TaskState::Settled) ++settled;
      if (!task.events.empty()) has_event_ = true;
    }
    return settled;
  };
  enough = std::min(enough, tasks.size());
  const bool must_wait = loop_.with_turn([&](Turn& turn) {
    const std::size_t settled = set_awaited(turn, true);
    wanted_ = settled < enough ? enough - settled : 0;
    wait_events_ = events;
    wakeup_.clear();
    return wanted_ > 0 && !(events == WaitEvents::Return && has_event_);
  });
  Result<bool> woken = true;
  if (must_wait && also.empty()) {
    woken = wait_ready(wakeup_.fd(), Ready::Readable, timeout);
  } else if (must_wait) {
    std::vector<int> watched(also.begin(), also.end());
    watched.push_back(wakeup_.fd());
    woken = wait_any_readable(watched, timeout);
  }
  return loop_.with_turn([&](Turn& turn) -> Result<WaitEnd> {
    const std::size_t left = std::exchange(wanted_, 0);
    set_awaited(turn, false);
    if (left == 0) return WaitEnd::Settled;
    if (events == WaitEvents::Return && has_event_) return WaitEnd::Event;
    if (!woken.ok()) return woken.error();
    return WaitEnd::TimedOut;
  });
}

void Engine::on_settled(Turn& turn, Task& task) {
  if (task.is_awaited && wanted_ > 0 && --wanted_ == 0) wakeup_.raise();
  if (task.is_notified) note_notified(turn, task.id);
}

void Engine::on_event(Turn&, Task& task) {
  if (task.is_awaited && wait_events_ == WaitEvents::Return) wakeup_.raise();
}

void Engine::on_notified(std::function<void()> notify) {
  loop_.with_turn([&](Turn&) { notify_ = std::move(notify); });
}

void Engine::notify_when_settled(TaskId id) {
  loop_.with_turn([&](Turn& turn) {
    Task& task = task_of(turn, id);
    if (task.state == TaskState::Settled) return note_notified(turn, id);
    task.is_notified = true;
  });
}

void Engine::note_notified(Turn&, TaskId task) {
  notified_.push_back(task);
  if (notified_.size() == 1 && notify_) notify_();
}

std::vector<TaskId> Engine::take_notified() {
  return loop_.with_turn([&](Turn&) { return std::exchange(notified_, {}); });
}

}  // namespace elsewhere
