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
// After each failure in a row, so much longer.
constexpr std::chrono::seconds kRemoteRetryDelay{2};

// A second task behind the first gains nothing when the first takes long, and
// makes it harder to reach.
constexpr std::chrono::duration<double> kQuick{1e-3};
constexpr double kNewTaskWeight = 0.2;

WorkerId next_worker_id() {
  static std::atomic<std::uint64_t> last{0};
  return WorkerId{++last};
}

}  // namespace

namespace {

// "worker 71 on `one.example.org`"
std::string name_of(const Departure& departure) {
  std::string name = departure.pid > 0 ? "worker " + std::to_string(departure.pid) : "a worker";
  return departure.host.empty() ? name : name + " on `" + departure.host + "`";
}

std::string what_ended(const Departure& departure) {
  switch (departure.ending) {
    case Ending::Seen: return name_of(departure);
    case Ending::NotReached:
      return "no worker started on `" + departure.host + "`: the command that connects to it";
    case Ending::ConnectionLost:
      return "the connection to " + name_of(departure) + " was lost: the command that held it";
  }
  return name_of(departure);
}

}  // namespace

std::string describe(const Departure& departure) {
  std::string text = what_ended(departure);
  if (!departure.reason.empty()) {
    text += " was ended: " + departure.reason;
  } else {
    text += " " + describe(departure.exit);
  }
  const bool is_blank = departure.output.find_first_not_of(" \t\r\n") == std::string::npos;
  if (!is_blank) text += "; its last output was:\n" + departure.output;
  return text;
}

Pool::Pool(Loop& loop, PoolSpec spec, NurserySource nursery, PoolListener& listener)
    : loop_(loop), spec_(std::move(spec)), nursery_(std::move(nursery)), listener_(listener) {
  const auto total = static_cast<std::size_t>(spec_.workers);
  const std::size_t near = total - std::min(total, spec_.remotes.size());
  for (SeatId seat = 0; seat < total; ++seat) {
    Seat place;
    if (seat >= near) place.remote = std::move(spec_.remotes[seat - near]);
    seats_.emplace(seat, std::move(place));
  }
}

void Pool::start(Turn& turn) {
  for (const auto& [seat, place] : seats_) start_worker(turn, seat);
}

void Pool::start_worker(Turn& turn, SeatId seat) {
  const WorkerId id = next_worker_id();
  auto worker = std::make_unique<Worker>(loop_, id, static_cast<WorkerListener&>(*this));
  Worker& started = *worker;
  workers_.emplace(id, Seated{std::move(worker), seat});
  if (const auto& remote = seats_.at(seat).remote) {
    return started.start_remote(turn, *remote, spec_.remote_setup, spec_.start_patience);
  }
  if (spec_.launch_by == LaunchBy::Nursery) {
    const auto nursery = nursery_(turn);
    if (nursery.ok()) {
      return started.start_by_nursery(turn, *nursery.value(), spec_.environment, spec_.setup,
                                      spec_.start_patience);
    }
  }
  started.start_by_exec(turn, spec_.launch, spec_.setup, spec_.start_patience);
}

void Pool::set_setup(Turn&, SharedParcel setup, SharedParcel remote_setup) {
  spec_.setup = std::move(setup);
  spec_.remote_setup = std::move(remote_setup);
}

void Pool::close(Turn& turn) {
  is_closed_ = true;
  idle_.clear();
  for (auto& [id, seated] : workers_) seated.worker->dismiss(turn);
  keeps_segments_.reset();
}

Worker* Pool::idle_worker() {
  if (idle_.empty()) return nullptr;
  Worker* worker = workers_.at(idle_.back()).worker.get();
  idle_.pop_back();
  return worker;
}

Worker* Pool::idle_worker(WorkerId id) {
  const auto found = std::find(idle_.begin(), idle_.end(), id);
  if (found == idle_.end()) return nullptr;
  idle_.erase(found);
  return workers_.at(id).worker.get();
}

std::vector<Worker*> Pool::lasting_workers() {
  std::vector<Worker*> workers;
  for (auto& [id, seated] : workers_) {
    Worker& worker = *seated.worker;
    if (worker.state() != WorkerState::Gone && !worker.is_retired()) workers.push_back(&worker);
  }
  return workers;
}

Worker* Pool::quick_worker() {
  if (task_time_ > kQuick) return nullptr;
  for (auto& [id, seated] : workers_) {
    Worker& worker = *seated.worker;
    const bool has_one = worker.state() == WorkerState::Busy && worker.tasks().size() == 1;
    if (!has_one || worker.is_retired() || worker.is_reserved()) continue;
    // It would not answer a second one.
    const bool is_last =
        spec_.recycling.tasks && worker.answered_count() + 1 >= *spec_.recycling.tasks;
    // What runs longer than the others may run for ever.
    if (!is_last && worker.running_time() < 2 * kQuick) return &worker;
  }
  return nullptr;
}

Worker* Pool::worker_with(TaskId task) {
  for (auto& [id, seated] : workers_) {
    Worker& worker = *seated.worker;
    if (worker.state() == WorkerState::Busy && worker.has(task)) return &worker;
  }
  return nullptr;
}

int Pool::busy_count() const {
  return static_cast<int>(std::count_if(workers_.begin(), workers_.end(), [](const auto& entry) {
    return entry.second.worker->state() == WorkerState::Busy;
  }));
}

std::vector<Pid> Pool::pids() const {
  std::vector<Pid> pids;
  for (const auto& [id, seated] : workers_) {
    const WorkerState state = seated.worker->state();
    const bool is_up = state == WorkerState::Idle || state == WorkerState::Busy;
    if (is_up && !seated.worker->is_retired()) pids.push_back(seated.worker->pid());
  }
  return pids;
}

void Pool::break_pool(Turn& turn, std::string why) {
  if (broken_) return;
  broken_ = std::move(why);
  for (auto& [id, seated] : workers_) seated.worker->dismiss(turn);
  idle_.clear();
  listener_.on_pool_broken(turn, *broken_);
}

bool Pool::is_dying_too_often() {
  const auto now = std::chrono::steady_clock::now();
  idle_deaths_.push_back(now);
  while (idle_deaths_.front() < now - kIdleDeathsWindow) idle_deaths_.pop_front();
  return idle_deaths_.size() > kIdleDeathsMax;
}

bool Pool::is_worn(const Worker& worker) const {
  const Recycling& limit = spec_.recycling;
  if (limit.tasks && worker.answered_count() >= *limit.tasks) return true;
  if (limit.age && worker.age() >= *limit.age) return true;
  if (!limit.growth_bytes) return false;
  const std::uint64_t fresh = workers_.at(worker.id()).fresh_bytes;
  return worker.resident() > fresh + *limit.growth_bytes;
}

// Its replacement starts at once, so that it is there when the old one has left.
void Pool::retire(Turn& turn, Worker& worker) {
  worker.retire();
  worker.dismiss(turn);
  refill(turn, workers_.at(worker.id()).seat);
}

void Pool::on_worker_ready(Turn& turn, Worker& worker) {
  Seated& seated = workers_.at(worker.id());
  const auto found = seats_.find(seated.seat);
  // Its machine was given up, or it is too late.
  if (found == seats_.end() || worker.is_retired()) return worker.dismiss(turn);
  Seat& seat = found->second;
  if (!std::exchange(seat.was_started, true)) ++started_count_;
  const std::string host = seat.remote ? seat.remote->remote.host : "";
  failed_starts_[host] = 0;
  log_.note_ready(seated.seat, worker.pid(), host);
  if (spec_.recycling.growth_bytes) seated.fresh_bytes = worker.resident();
  if (is_closed_) return;
  idle_.push_back(worker.id());
  listener_.on_worker_idle(turn);
}

void Pool::on_worker_event(Turn& turn, Worker&, TaskId task, Parcel event) {
  listener_.on_task_event(turn, task, std::move(event));
}

void Pool::on_worker_result(Turn& turn, Worker& worker, TaskId task, Reply reply) {
  log_.note_answer();
  task_time_ += kNewTaskWeight * (std::chrono::duration<double>(reply.took) - task_time_);
  if (!is_closed_ && !broken_ && worker.state() == WorkerState::Idle) {
    if (worker.is_retired()) {
      worker.dismiss(turn);
    } else if (is_worn(worker)) {
      retire(turn, worker);
    } else {
      idle_.push_back(worker.id());
    }
  }
  listener_.on_task_result(turn, task, std::move(reply));
  if (!is_closed_) listener_.on_worker_idle(turn);
}

void Pool::note_gone(const Worker& worker, WorkerState before, SeatId seat,
                     const Departure& departure) {
  const auto kind = before == WorkerState::Starting ? PoolEventKind::NotStarted
                    : worker.is_retired()           ? PoolEventKind::Retired
                                                    : PoolEventKind::Ended;
  const std::string how = kind == PoolEventKind::Retired ? "it was replaced as `recycle` asks for"
                                                         : describe(departure);
  log_.note_gone(kind, seat, departure.pid, departure.host, worker.answered_count(), how);
}

void Pool::give_up(const std::string& host) {
  std::erase_if(seats_, [&](const auto& entry) {
    const auto& remote = entry.second.remote;
    return (remote ? remote->remote.host : "") == host;
  });
}

void Pool::note_failed_start(Turn& turn, SeatId seat, const Worker& worker,
                             const Departure& departure) {
  const auto& remote = seats_.at(seat).remote;
  const std::string host = remote ? remote->remote.host : "";
  // A nursery that cannot fork here (a threaded library, say) is not asked
  // again: a process of its own does the same, more slowly.
  if (!remote) spec_.launch_by = LaunchBy::Exec;
  // That a nursery died says nothing about the workers it had been asked for.
  if (worker.is_of_nursery() && departure.pid <= 0) return;
  if (!failed_start_) failed_start_ = describe(departure);
  if (++failed_starts_[host] >= kFailedStartsMax) give_up(host);
  if (seats_.empty()) return break_pool(turn, describe(departure));
  listener_.on_start_failed(turn);
}

// Another machine gets time to recover before it is tried again.
void Pool::refill(Turn& turn, SeatId seat) {
  const auto found = seats_.find(seat);
  if (broken_ || found == seats_.end()) return;
  const int failures = found->second.remote ? failed_starts_[found->second.remote->remote.host] : 0;
  if (failures == 0) return start_worker(turn, seat);
  loop_.after(turn, failures * kRemoteRetryDelay, [this, seat](Turn& now) {
    if (!is_closed_ && !broken_ && seats_.contains(seat)) start_worker(now, seat);
  });
}

void Pool::on_worker_gone(Turn& turn, Worker& worker, WorkerState before,
                          const Departure& departure) {
  std::deque<TaskId> unanswered = worker.tasks();
  const SeatId seat = workers_.at(worker.id()).seat;
  std::erase(idle_, worker.id());
  // The worker is still on the stack: it goes when this turn is over.
  loop_.post([this, id = worker.id()](Turn&) { workers_.erase(id); });
  listener_.on_worker_left(turn, worker.id());
  note_gone(worker, before, seat, departure);
  if (is_closed_ || broken_) {
    for (const TaskId task : unanswered) listener_.on_task_lost(turn, task, departure);
    return;
  }
  if (!worker.is_retired()) {
    if (before == WorkerState::Starting) {
      if (seats_.contains(seat)) note_failed_start(turn, seat, worker, departure);
    } else if (before == WorkerState::Idle && is_dying_too_often()) {
      return break_pool(turn, describe(departure));
    }
    refill(turn, seat);
  }
  if (unanswered.empty()) return;
  const TaskId started = unanswered.front();
  unanswered.pop_front();
  for (const TaskId task : unanswered) listener_.on_task_returned(turn, task);
  listener_.on_task_lost(turn, started, departure);
}

}  // namespace elsewhere
