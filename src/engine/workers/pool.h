// A set of workers kept at its size: a worker that dies, or has served as long
// as it should, is replaced. Where workers cannot be started, a machine is given
// up; when none is left, the pool is broken. Of a task the pool knows only its
// number and its worker; the scheduler gives work to idle workers.
// Every call is made under the turn; none blocks.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/workers/pool_log.h"
#include "engine/workers/worker.h"

namespace elsewhere {

enum class LaunchBy { Nursery, Exec };

// When a worker is replaced although it is well; nothing of it means never.
struct Recycling {
  std::optional<int> tasks;                      // that it has answered
  std::optional<std::chrono::milliseconds> age;  // looked at after a task
  std::optional<std::uint64_t> growth_bytes;     // of memory since it was ready
};

struct PoolSpec {
  int workers = 1;                  // all of them
  std::vector<RemoteSpec> remotes;  // for the last of them, one each
  SharedParcel remote_setup;
  Recycling recycling;
  LaunchSpec launch;
  LaunchBy launch_by = LaunchBy::Nursery;
  SharedParcel environment;  // of forked workers: NAME=value, each ended by a zero byte
  SharedParcel setup;
  std::chrono::milliseconds start_patience{30000};
};

class PoolListener {
 public:
  // A worker is idle, or has no task waiting behind the one it runs.
  virtual void on_worker_idle(Turn&) = 0;
  virtual void on_task_event(Turn&, TaskId task, Parcel event) = 0;
  virtual void on_task_result(Turn&, TaskId task, Reply reply) = 0;
  // The worker that had been given `task` behind another one ended before it
  // could start it.
  virtual void on_task_returned(Turn&, TaskId task) = 0;
  // The worker that ran `task` ended without a result.
  virtual void on_task_lost(Turn&, TaskId task, const Departure& departure) = 0;
  // It will run nothing more; said before what becomes of its tasks.
  virtual void on_worker_left(Turn&, WorkerId worker) = 0;
  // A worker could not be started; others may be.
  virtual void on_start_failed(Turn&) = 0;
  // No worker will come any more.
  virtual void on_pool_broken(Turn&, const std::string& why) = 0;

 protected:
  ~PoolListener() = default;
};

class Pool final : private WorkerListener {
 public:
  // `nursery` answers with the process to fork from, starting it if need be.
  using NurserySource = std::function<Result<Nursery*>(Turn&)>;

  Pool(Loop& loop, PoolSpec spec, NurserySource nursery, PoolListener& listener);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void start(Turn&);
  // What workers that are started from now on get first.
  void set_setup(Turn&, SharedParcel setup, SharedParcel remote_setup);
  // Ends every worker now, whatever it is doing. The pool stays empty.
  void close(Turn&);

  // An idle worker to give a task to; nullptr if there is none.
  Worker* idle_worker();
  // While tasks take well under a millisecond: a busy worker that can take a
  // second task to wait behind the one it runs; nullptr if there is none.
  Worker* quick_worker();
  // The worker that has been given `task`; nullptr if there is none.
  Worker* worker_with(TaskId task);
  // That worker, to give a task to, if it is idle; else nullptr.
  Worker* idle_worker(WorkerId id);
  // Those that are there to stay, also while they start.
  std::vector<Worker*> lasting_workers();

  int size() const { return static_cast<int>(seats_.size()); }
  // How many of the workers have become ready, and why the first that did not
  // has not; until then or until all have, a start is not over.
  int started_count() const { return started_count_; }
  const std::optional<std::string>& failed_start() const { return failed_start_; }
  int busy_count() const;
  bool is_empty() const { return workers_.empty(); }
  const std::optional<std::string>& broken() const { return broken_; }
  std::vector<Pid> pids() const;
  const PoolLog& log() const { return log_; }

 private:
  // A place for a worker: on this machine, or what leads to another one.
  struct Seat {
    std::optional<RemoteSpec> remote;
    bool was_started = false;
  };
  using SeatId = std::size_t;

  void start_worker(Turn&, SeatId seat);
  void note_gone(const Worker& worker, WorkerState before, SeatId seat, const Departure& departure);
  void note_failed_start(Turn&, SeatId seat, const Worker& worker, const Departure& departure);
  void give_up(const std::string& host);
  void refill(Turn&, SeatId seat);
  bool is_worn(const Worker& worker) const;
  void retire(Turn&, Worker& worker);
  void break_pool(Turn&, std::string why);
  bool is_dying_too_often();
  void on_worker_ready(Turn&, Worker& worker) override;
  void on_worker_event(Turn&, Worker& worker, TaskId task, Parcel event) override;
  void on_worker_result(Turn&, Worker& worker, TaskId task, Reply reply) override;
  void on_worker_gone(Turn&, Worker& worker, WorkerState before,
                      const Departure& departure) override;

  Loop& loop_;
  PoolSpec spec_;
  NurserySource nursery_;
  PoolListener& listener_;
  std::map<SeatId, Seat> seats_;
  struct Seated {
    std::unique_ptr<Worker> worker;
    SeatId seat;
    std::uint64_t fresh_bytes = 0;  // of memory, when it became ready
  };
  std::map<WorkerId, Seated> workers_;
  std::vector<WorkerId> idle_;                // the one used last is used next: it is warm
  std::map<std::string, int> failed_starts_;  // in a row; by host, "" for this one
  std::optional<std::string> failed_start_;
  int started_count_ = 0;
  std::chrono::duration<double> task_time_{1};  // of late; see quick_worker()
  std::deque<std::chrono::steady_clock::time_point> idle_deaths_;
  std::optional<std::string> broken_;
  PoolLog log_;
  std::optional<KeepsSegments> keeps_segments_{std::in_place};
  bool is_closed_ = false;
};

// One sentence about how a worker ended, with its last output.
std::string describe(const Departure& departure);

}  // namespace elsewhere
