#include "engine/workers/pool.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace elsewhere {
namespace {

// Three workers in a row that never became ready: the next would not either.
constexpr int kFailedStartsMax = 3;
// Workers that die without having work, as Erlang's supervisors count restarts.
constexpr std::size_t kIdleDeathsMax = 5;
constexpr std::chrono::seconds kIdleDeathsWindow{60};

// A second task behind the first gains nothing when the first takes long, and
// makes it harder to reach.
constexpr std::chrono::duration<double> kQuick{1e-3};
constexpr double kNewTaskWeight = 0.2;

WorkerId next_worker_id() {
  static std::atomic<std::uint64_t> last{0};
  return WorkerId{++last};
}

}  // namespace

std::string describe(const Departure& departure) {
  std::string text = departure.pid > 0 ? "worker " + std::to_string(departure.pid) : "a worker";
  if (!departure.reason.empty()) {
    text += " was ended: " + departure.reason;
  } else {
    text += " " + describe(departure.exit);
  }
  const bool is_blank = departure.output.find_first_not_of(" \t\r\n") == std::string::npos;
  if (!is_blank) text += "; the last it printed was:\n" + departure.output;
  return text;
}

Pool::Pool(Loop& loop, PoolSpec spec, NurserySource nursery, PoolListener& listener)
    : loop_(loop), spec_(std::move(spec)), nursery_(std::move(nursery)), listener_(listener) {}

void Pool::start(Turn& turn) {
  for (int i = 0; i < spec_.workers; ++i) start_worker(turn);
}

void Pool::start_worker(Turn& turn) {
  const WorkerId id = next_worker_id();
  auto worker = std::make_unique<Worker>(loop_, id, static_cast<WorkerListener&>(*this));
  Worker& started = *worker;
  workers_.emplace(id, std::move(worker));
  if (spec_.launch_by == LaunchBy::Nursery) {
    const auto nursery = nursery_(turn);
    if (nursery.ok()) {
      return started.start_by_nursery(turn, *nursery.value(), spec_.environment, spec_.setup,
                                      spec_.start_patience);
    }
  }
  started.start_by_exec(turn, spec_.launch, spec_.setup, spec_.start_patience);
}

void Pool::close(Turn& turn) {
  is_closed_ = true;
  idle_.clear();
  for (auto& [id, worker] : workers_) worker->dismiss(turn);
}

Worker* Pool::idle_worker() {
  if (idle_.empty()) return nullptr;
  Worker* worker = workers_.at(idle_.back()).get();
  idle_.pop_back();
  return worker;
}

Worker* Pool::quick_worker() {
  if (task_time_ > kQuick) return nullptr;
  for (auto& [id, worker] : workers_) {
    const bool has_one = worker->state() == WorkerState::Busy && worker->tasks().size() == 1;
    // What runs longer than the others may run for ever.
    if (has_one && worker->running_time() < 2 * kQuick) return worker.get();
  }
  return nullptr;
}

Worker* Pool::worker_with(TaskId task) {
  for (auto& [id, worker] : workers_) {
    if (worker->state() == WorkerState::Busy && worker->has(task)) return worker.get();
  }
  return nullptr;
}

int Pool::busy_count() const {
  return static_cast<int>(std::count_if(workers_.begin(), workers_.end(), [](const auto& entry) {
    return entry.second->state() == WorkerState::Busy;
  }));
}

std::vector<pid_t> Pool::pids() const {
  std::vector<pid_t> pids;
  for (const auto& [id, worker] : workers_) {
    const bool is_up = worker->state() == WorkerState::Idle || worker->state() == WorkerState::Busy;
    if (is_up) pids.push_back(worker->pid());
  }
  return pids;
}

void Pool::break_pool(Turn& turn, std::string why) {
  if (broken_) return;
  broken_ = std::move(why);
  for (auto& [id, worker] : workers_) worker->dismiss(turn);
  idle_.clear();
  listener_.on_pool_broken(turn, *broken_);
}

bool Pool::is_dying_too_often() {
  const auto now = std::chrono::steady_clock::now();
  idle_deaths_.push_back(now);
  while (idle_deaths_.front() < now - kIdleDeathsWindow) idle_deaths_.pop_front();
  return idle_deaths_.size() > kIdleDeathsMax;
}

void Pool::on_worker_ready(Turn& turn, Worker& worker) {
  failed_starts_ = 0;
  if (is_closed_) return;
  idle_.push_back(worker.id());
  listener_.on_worker_idle(turn);
}

void Pool::on_worker_event(Turn& turn, Worker&, TaskId task, Parcel event) {
  listener_.on_task_event(turn, task, std::move(event));
}

void Pool::on_worker_result(Turn& turn, Worker& worker, TaskId task, Reply reply) {
  task_time_ += kNewTaskWeight * (std::chrono::duration<double>(reply.took) - task_time_);
  if (!is_closed_ && worker.state() == WorkerState::Idle) idle_.push_back(worker.id());
  listener_.on_task_result(turn, task, std::move(reply));
  if (!is_closed_) listener_.on_worker_idle(turn);
}

void Pool::on_worker_gone(Turn& turn, Worker& worker, WorkerState before,
                          const Departure& departure) {
  std::deque<TaskId> unanswered = worker.tasks();
  std::erase(idle_, worker.id());
  // The worker is still on the stack: it goes when this turn is over.
  loop_.post([this, id = worker.id()](Turn&) { workers_.erase(id); });
  if (is_closed_ || broken_) {
    for (const TaskId task : unanswered) listener_.on_task_lost(turn, task, departure);
    return;
  }
  if (before == WorkerState::Starting) {
    // A nursery that cannot fork here (a threaded library, say) is not asked
    // again: a process of its own does the same, more slowly.
    spec_.launch_by = LaunchBy::Exec;
    if (++failed_starts_ >= kFailedStartsMax) return break_pool(turn, describe(departure));
  } else if (before == WorkerState::Idle && is_dying_too_often()) {
    return break_pool(turn, describe(departure));
  }
  start_worker(turn);
  if (unanswered.empty()) return;
  const TaskId started = unanswered.front();
  unanswered.pop_front();
  for (const TaskId task : unanswered) listener_.on_task_returned(turn, task);
  listener_.on_task_lost(turn, started, departure);
}

}  // namespace elsewhere
