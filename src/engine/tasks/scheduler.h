// Brings tasks and workers together: a queue for each pool, dispatch, retries,
// cancellation, time limits. Settles each task exactly once, whatever dies in
// between. Every call is made under the turn; none blocks.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "engine/tasks/task.h"
#include "engine/workers/pool.h"

namespace elsewhere {

class SchedulerListener {
 public:
  virtual void on_settled(Turn&, Task& task) = 0;
  virtual void on_event(Turn&, Task& task) = 0;
  // A worker of the pool has become idle and has been given what was queued.
  virtual void on_worker_idle(Turn&, PoolId pool) = 0;
  // A worker of the pool could not be started.
  virtual void on_start_failed(Turn&, PoolId pool) = 0;

 protected:
  ~SchedulerListener() = default;
};

class Scheduler {
 public:
  Scheduler(Loop& loop, SchedulerListener& listener) : loop_(loop), listener_(listener) {}

  PoolId open_pool(Turn&, PoolSpec spec);
  // Settles what has not settled as Cancelled and ends the workers.
  void close_pool(Turn&, PoolId pool);
  // One task for each worker of the pool that came after `after`, which it runs
  // before any that is submitted later. A worker that leaves before it has run its
  // task settles it as Cancelled.
  std::vector<Task*> submit_everywhere(Turn&, PoolId pool, SharedParcel payload, WorkerId after);
  void set_setup(Turn&, PoolId pool, SharedParcel setup, SharedParcel remote_setup);
  Pool* find_pool(Turn&, PoolId pool) const;
  std::size_t queued_count(Turn&, PoolId pool) const;
  // How many new tasks would not have to wait for another one; workers that are
  // still starting count as free. 0 for a pool that is closed.
  int free_count(Turn&, PoolId pool) const;

  Task& submit(Turn&, PoolId pool, SharedParcel payload, TaskOptions options);
  Task* find(Turn&, TaskId task);
  // Interrupts a running task, and kills its worker if that has not helped
  // within `grace`. false if it had settled already.
  bool cancel(Turn&, TaskId task, std::chrono::milliseconds grace);
  // Nobody will ask for it again.
  void forget(Turn&, TaskId task);

  // Closes every pool.
  void close(Turn&);
  // Brings the end on, after close(): true when no process of ours is left.
  bool has_ended(Turn&);

 private:
  // By priority, then by age.
  using QueueKey = std::pair<int, TaskId>;

  struct OpenPool final : PoolListener {
    OpenPool(Scheduler& scheduler, PoolId id) : scheduler(scheduler), id(id) {}
    void on_worker_idle(Turn&) override;
    void on_task_event(Turn&, TaskId task, Parcel event) override;
    void on_task_result(Turn&, TaskId task, Reply reply) override;
    void on_task_returned(Turn&, TaskId task) override;
    void on_task_lost(Turn&, TaskId task, const Departure& departure) override;
    void on_worker_left(Turn&, WorkerId worker) override;
    void on_start_failed(Turn&) override;
    void on_pool_broken(Turn&, const std::string& why) override;

    Scheduler& scheduler;
    PoolId id;
    std::unique_ptr<Pool> pool;
    std::set<QueueKey> queue;
    std::map<WorkerId, std::deque<TaskId>> reserved;  // for one worker each
  };

  Task& new_task(Turn&, PoolId pool, SharedParcel payload, TaskOptions options);
  void dispatch(Turn&, OpenPool& open);
  void dispatch_reserved(Turn&, OpenPool& open);
  void unqueue(Turn&, OpenPool& open, const Task& task);
  void settle(Turn&, Task& task, Outcome outcome);
  void stop_running(Turn&, OpenPool& open, TaskId task, std::chrono::milliseconds grace);
  void kill_after(Turn&, PoolId pool, TaskId task, std::chrono::milliseconds grace);
  void drop_closed_pools(Turn&);
  Result<Nursery*> nursery_for(Turn&, const LaunchSpec& spec);

  struct OpenNursery {
    LaunchSpec spec;
    std::unique_ptr<Nursery> nursery;
  };

  Loop& loop_;
  SchedulerListener& listener_;
  std::unordered_map<TaskId, std::unique_ptr<Task>> tasks_;
  std::vector<OpenNursery> nurseries_;  // outlive the pools that use them
  std::map<PoolId, std::unique_ptr<OpenPool>> pools_;
  std::vector<std::unique_ptr<OpenPool>> closed_pools_;  // until their workers are gone
};

}  // namespace elsewhere
