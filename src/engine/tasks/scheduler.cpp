#include "engine/tasks/scheduler.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace elsewhere {
namespace {

// A task that nobody waits for any more gets this long to react to an interrupt.
constexpr std::chrono::milliseconds kAbandonedGrace{2000};

constexpr std::chrono::milliseconds kGraceMin{5};

// Numbers are never used twice in a process, so that what belongs to an engine
// that was stopped can never be taken for something of the next.
std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

Outcome failure(OutcomeKind kind, std::string message) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.message = std::move(message);
  return outcome;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Outcome outcome_of(Reply reply) {
  Outcome outcome;
  outcome.pid = reply.pid;
  switch (reply.flag) {
    case PacketFlag::Failed:
      outcome.kind = OutcomeKind::Unserializable;
      outcome.message = text_of(reply.parcel.body());
      break;
    case PacketFlag::Aborted:
      outcome.kind = OutcomeKind::Aborted;
      outcome.message = text_of(reply.parcel.body());
      break;
    case PacketFlag::None:
    case PacketFlag::HasFds:
    case PacketFlag::Incomplete:
    case PacketFlag::InSegment: outcome.value = std::move(reply.parcel); break;
  }
  return outcome;
}

}  // namespace

PoolId Scheduler::open_pool(Turn& turn, PoolSpec spec) {
  drop_closed_pools(turn);
  const PoolId id{next_number()};
  auto open = std::make_unique<OpenPool>(*this, id);
  auto nursery = [this, launch = spec.launch](Turn& now) { return nursery_for(now, launch); };
  open->pool = std::make_unique<Pool>(loop_, std::move(spec), std::move(nursery), *open);
  Pool& pool = *open->pool;
  pools_.emplace(id, std::move(open));
  pool.start(turn);
  return id;
}

void Scheduler::close_pool(Turn& turn, PoolId id) {
  auto found = pools_.extract(id);
  if (!found) return;
  auto open = std::move(found.mapped());
  open->queue.clear();
  for (auto& [task_id, task] : tasks_) {
    if (task->pool == id && task->state != TaskState::Settled) {
      settle(turn, *task, failure(OutcomeKind::Cancelled, "its pool of workers was closed"));
    }
  }
  open->pool->close(turn);
  closed_pools_.push_back(std::move(open));
}

void Scheduler::set_setup(Turn& turn, PoolId id, SharedParcel setup, SharedParcel remote_setup) {
  const auto found = pools_.find(id);
  if (found == pools_.end()) return;
  found->second->pool->set_setup(turn, std::move(setup), std::move(remote_setup));
}

std::vector<Task*> Scheduler::submit_everywhere(Turn& turn, PoolId id, SharedParcel payload,
                                                WorkerId after) {
  std::vector<Task*> tasks;
  const auto found = pools_.find(id);
  if (found == pools_.end()) return tasks;
  OpenPool& open = *found->second;
  for (Worker* worker : open.pool->lasting_workers()) {
    if (worker->id() <= after) continue;
    Task& task = new_task(turn, id, payload, {});
    task.only_in = worker->id();
    worker->reserve(true);
    open.reserved[worker->id()].push_back(task.id);
    tasks.push_back(&task);
  }
  dispatch(turn, open);
  return tasks;
}

void Scheduler::drop_closed_pools(Turn&) {
  std::erase_if(closed_pools_, [](const auto& open) { return open->pool->is_empty(); });
}

Pool* Scheduler::find_pool(Turn&, PoolId pool) const {
  const auto found = pools_.find(pool);
  return found == pools_.end() ? nullptr : found->second->pool.get();
}

std::size_t Scheduler::queued_count(Turn&, PoolId pool) const {
  const auto found = pools_.find(pool);
  return found == pools_.end() ? 0 : found->second->queue.size();
}

int Scheduler::free_count(Turn&, PoolId pool) const {
  const auto found = pools_.find(pool);
  if (found == pools_.end()) return 0;
  const auto& open = *found->second;
  return std::max(
      0, open.pool->size() - open.pool->busy_count() - static_cast<int>(open.queue.size()));
}

Result<Nursery*> Scheduler::nursery_for(Turn& turn, const LaunchSpec& spec) {
  for (auto& open : nurseries_) {
    if (starts_alike(open.spec, spec) && open.nursery->is_alive()) return open.nursery.get();
  }
  LaunchSpec role = spec;
  role.environment.push_back("ELSEWHERE_ROLE=nursery");
  auto launched = launch_by_exec(role);
  if (!launched.ok()) return launched.error();
  nurseries_.push_back({spec, std::make_unique<Nursery>(turn, loop_, std::move(launched.value()))});
  return nurseries_.back().nursery.get();
}

Task& Scheduler::new_task(Turn&, PoolId pool, SharedParcel payload, TaskOptions options) {
  const TaskId id{next_number()};
  auto& task = *tasks_.emplace(id, std::make_unique<Task>()).first->second;
  task.id = id;
  task.pool = pool;
  task.payload = std::move(payload);
  task.options = options;
  return task;
}

Task& Scheduler::submit(Turn& turn, PoolId pool, SharedParcel payload, TaskOptions options) {
  Task& task = new_task(turn, pool, std::move(payload), options);
  const auto found = pools_.find(pool);
  if (found == pools_.end()) {
    settle(turn, task, failure(OutcomeKind::Cancelled, "its pool of workers was closed"));
  } else if (const auto& broken = found->second->pool->broken()) {
    settle(turn, task, failure(OutcomeKind::NotStarted, *broken));
  } else {
    found->second->queue.insert({-options.priority, task.id});
    dispatch(turn, *found->second);
  }
  return task;
}

void Scheduler::dispatch_reserved(Turn& turn, OpenPool& open) {
  for (auto entry = open.reserved.begin(); entry != open.reserved.end();) {
    auto& [id, waiting] = *entry;
    Worker* worker = open.pool->idle_worker(id);
    if (worker != nullptr) {
      Task& task = *tasks_.at(waiting.front());
      waiting.pop_front();
      worker->reserve(!waiting.empty());
      task.state = TaskState::Running;
      worker->run(turn, task.id, task.payload);
    }
    entry = waiting.empty() ? open.reserved.erase(entry) : std::next(entry);
  }
}

void Scheduler::dispatch(Turn& turn, OpenPool& open) {
  if (!open.reserved.empty()) dispatch_reserved(turn, open);
  while (!open.queue.empty()) {
    Task& task = *tasks_.at(open.queue.begin()->second);
    Worker* worker = open.pool->idle_worker();
    // A time limit counts from the start, so its task does not wait in a worker.
    if (worker == nullptr && !task.options.timeout) worker = open.pool->quick_worker();
    if (worker == nullptr) return;
    open.queue.erase(open.queue.begin());
    task.state = TaskState::Running;
    worker->run(turn, task.id, task.payload);
    if (!task.options.timeout) continue;
    task.timer = loop_.after(turn, *task.options.timeout, [this, id = task.id](Turn& now) {
      Task* late = find(now, id);
      if (late == nullptr || late->state != TaskState::Running) return;
      late->timer.reset();
      settle(now, *late, failure(OutcomeKind::TimedOut, "it ran longer than its time limit"));
      const auto home = pools_.find(late->pool);
      if (home != pools_.end()) stop_running(now, *home->second, id, kAbandonedGrace);
    });
  }
}

Task* Scheduler::find(Turn&, TaskId task) {
  const auto found = tasks_.find(task);
  return found == tasks_.end() ? nullptr : found->second.get();
}

void Scheduler::settle(Turn& turn, Task& task, Outcome outcome) {
  if (task.state == TaskState::Settled) return;
  if (task.timer) loop_.cancel(turn, *std::exchange(task.timer, std::nullopt));
  task.state = TaskState::Settled;
  task.outcome = std::move(outcome);
  task.payload.reset();
  listener_.on_settled(turn, task);
}

bool Scheduler::cancel(Turn& turn, TaskId id, std::chrono::milliseconds grace) {
  Task* task = find(turn, id);
  if (task == nullptr || task->state == TaskState::Settled) return false;
  const bool was_running = task->state == TaskState::Running;
  const auto home = pools_.find(task->pool);
  settle(turn, *task, failure(OutcomeKind::Cancelled, "it was cancelled"));
  if (home == pools_.end()) return true;
  unqueue(turn, *home->second, *task);
  if (was_running) stop_running(turn, *home->second, id, grace);
  return true;
}

void Scheduler::unqueue(Turn&, OpenPool& open, const Task& task) {
  if (!task.only_in) return void(open.queue.erase({-task.options.priority, task.id}));
  const auto waiting = open.reserved.find(*task.only_in);
  if (waiting != open.reserved.end()) std::erase(waiting->second, task.id);
}

void Scheduler::stop_running(Turn& turn, OpenPool& open, TaskId task,
                             std::chrono::milliseconds grace) {
  Worker* worker = open.pool->worker_with(task);
  if (worker == nullptr) return;
  if (grace.count() == 0 && worker->runs(task)) {
    return worker->kill(turn, "its task was cancelled");
  }
  worker->interrupt(turn, task);
  kill_after(turn, open.id, task, grace);
}

void Scheduler::kill_after(Turn& turn, PoolId pool, TaskId task, std::chrono::milliseconds grace) {
  loop_.after(turn, std::max(grace, kGraceMin), [this, pool, task, grace](Turn& now) {
    const auto home = pools_.find(pool);
    if (home == pools_.end()) return;
    Worker* stubborn = home->second->pool->worker_with(task);
    if (stubborn == nullptr) return;
    // The task before it has done nothing wrong.
    if (!stubborn->runs(task)) return kill_after(now, pool, task, grace);
    stubborn->kill(now, "its task did not react to an interrupt");
  });
}

void Scheduler::forget(Turn& turn, TaskId id) {
  Task* task = find(turn, id);
  if (task == nullptr) return;
  task->is_notified = false;
  task->is_awaited = false;
  cancel(turn, id, kAbandonedGrace);
  tasks_.erase(id);
}

void Scheduler::close(Turn& turn) {
  while (!pools_.empty()) close_pool(turn, pools_.begin()->first);
}

bool Scheduler::has_ended(Turn& turn) {
  drop_closed_pools(turn);
  if (!pools_.empty() || !closed_pools_.empty()) return false;
  // A nursery goes last: it tells how the workers ended that it had forked.
  for (auto& open : nurseries_) open.nursery->close(turn);
  return std::all_of(nurseries_.begin(), nurseries_.end(),
                     [](const auto& open) { return open.nursery->is_gone(); });
}

void Scheduler::OpenPool::on_worker_idle(Turn& turn) {
  scheduler.dispatch(turn, *this);
  scheduler.listener_.on_worker_idle(turn, id);
}

void Scheduler::OpenPool::on_task_event(Turn& turn, TaskId task_id, Parcel event) {
  Task* task = scheduler.find(turn, task_id);
  if (task == nullptr || task->state == TaskState::Settled) return;
  task->events.push_back(std::move(event));
  scheduler.listener_.on_event(turn, *task);
}

void Scheduler::OpenPool::on_task_result(Turn& turn, TaskId task_id, Reply reply) {
  Task* task = scheduler.find(turn, task_id);
  if (task != nullptr) scheduler.settle(turn, *task, outcome_of(std::move(reply)));
}

void Scheduler::OpenPool::on_task_returned(Turn& turn, TaskId task_id) {
  Task* task = scheduler.find(turn, task_id);
  if (task == nullptr || task->state == TaskState::Settled) return;
  task->state = TaskState::Queued;
  queue.insert({-task->options.priority, task_id});
  scheduler.dispatch(turn, *this);
}

void Scheduler::OpenPool::on_task_lost(Turn& turn, TaskId task_id, const Departure& departure) {
  Task* task = scheduler.find(turn, task_id);
  if (task == nullptr || task->state == TaskState::Settled) return;
  if (task->options.retries > 0 && !pool->broken()) {
    --task->options.retries;
    if (task->timer) scheduler.loop_.cancel(turn, *std::exchange(task->timer, std::nullopt));
    task->state = TaskState::Queued;
    task->events.clear();
    queue.insert({-task->options.priority, task_id});
    return scheduler.dispatch(turn, *this);
  }
  Outcome outcome = failure(OutcomeKind::Lost, describe(departure));
  outcome.pid = departure.pid;
  outcome.exit = departure.exit;
  outcome.output = departure.output;
  scheduler.settle(turn, *task, std::move(outcome));
}

void Scheduler::OpenPool::on_worker_left(Turn& turn, WorkerId worker) {
  const auto waiting = reserved.extract(worker);
  if (!waiting) return;
  for (const TaskId task_id : waiting.mapped()) {
    Task* task = scheduler.find(turn, task_id);
    if (task == nullptr) continue;
    scheduler.settle(turn, *task, failure(OutcomeKind::Cancelled, "its worker has ended"));
  }
}

void Scheduler::OpenPool::on_start_failed(Turn& turn) {
  scheduler.listener_.on_start_failed(turn, id);
}

void Scheduler::OpenPool::on_pool_broken(Turn& turn, const std::string& why) {
  for (const auto& [priority, task_id] : std::exchange(queue, {})) {
    Task* task = scheduler.find(turn, task_id);
    if (task != nullptr) {
      scheduler.settle(turn, *task, failure(OutcomeKind::NotStarted, why));
    }
  }
  scheduler.listener_.on_start_failed(turn, id);
}

}  // namespace elsewhere
