// The façade the bridge talks to: pools, tasks, and waiting for them. One engine
// a process; it starts one thread. All functions are for the thread that made
// the engine. Three of them block, and say so.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/os/wakeup.h"
#include "engine/tasks/scheduler.h"

namespace elsewhere {

struct PoolStatus {
  int workers = 0;
  int busy = 0;
  int queued = 0;
  std::vector<Pid> pids;  // of the workers that are up
  std::string broken;     // why no worker comes any more; empty if all is well
  bool is_open = true;
  std::uint64_t answered = 0;  // tasks, by all its workers
  std::uint64_t started = 0;   // workers, since the pool was opened
  std::uint64_t ended = 0;
};

// What there is to know of a task in one look; `outcome` is null until it has
// settled, and valid until forget(task).
struct TaskView {
  TaskState state;
  bool has_events;
  const Outcome* outcome;
};

// Whether an event of a task that is waited for ends the wait as well.
enum class WaitEvents { Ignore, Return };
enum class WaitEnd { Settled, Event, TimedOut };

class Engine final : private SchedulerListener {
 public:
  static Result<std::unique_ptr<Engine>> start();
  ~Engine();  // ends every worker

  PoolId open_pool(PoolSpec spec);
  void close_pool(PoolId pool);
  // See Scheduler. `was_busy`: whether its worker has to finish something first.
  struct Errand {
    TaskId task;
    WorkerId worker;
    bool was_busy;
  };
  std::vector<Errand> submit_everywhere(PoolId pool, Parcel payload, WorkerId after);
  // What workers that are started from now on get first.
  void set_setup(PoolId pool, SharedParcel setup, SharedParcel remote_setup);
  PoolStatus pool_status(PoolId pool);
  // What has happened to its workers, oldest first.
  std::vector<PoolEvent> pool_events(PoolId pool);
  // Workers that a new task would not have to wait for, counting those that
  // are still starting.
  int pool_free(PoolId pool);
  // How many tasks more keep the workers busy for a while: less than 1 if the
  // pool has enough.
  int pool_room(PoolId pool);
  // Blocks until a task can be submitted that runs at once or finds fewer than
  // `queued_max` tasks in the queue. Ends as wait() does; true at once for a pool
  // that is closed or broken, where submit() says what is wrong.
  Result<bool> wait_for_room(PoolId pool, double queued_max,
                             std::optional<std::chrono::milliseconds> timeout);

  // Blocks until every worker of the pool has become ready once, which answers an
  // empty text, or until one could not be started, which answers why. Nothing when
  // the time is over; otherwise it ends as wait() does.
  Result<std::optional<std::string>> wait_for_start(
      PoolId pool, std::optional<std::chrono::milliseconds> timeout);

  TaskId submit(PoolId pool, Parcel payload, TaskOptions options);
  TaskState task_state(TaskId task);
  // The outcome of a settled task; valid until forget(task).
  const Outcome& outcome(TaskId task);
  // How far the task is, and what there is to take of it.
  TaskView view(TaskId task);
  std::vector<TaskView> views(std::span<const TaskId> tasks);
  std::vector<Parcel> take_events(TaskId task);
  bool cancel(TaskId task, std::chrono::milliseconds grace);
  // The task is of no interest any more.
  void forget(TaskId task);
  // The same, but never waits for the I/O thread's turn, so that a
  // finalizer may call it.
  void forget_later(TaskId task);

  // Blocks until `enough` of the tasks have settled, or `timeout` has passed, or
  // a signal came (`Interrupted`), after which it may simply be called again.
  // One of the descriptors `also` that can be read ends it like the time.
  Result<WaitEnd> wait(std::span<const TaskId> tasks, std::size_t enough, WaitEvents events,
                       std::optional<std::chrono::milliseconds> timeout,
                       std::span<const int> also = {});

  // Asks for the task to be listed by take_notified() once it has settled.
  // `notify` is called on the I/O thread each time that list becomes non-empty;
  // it must return at once.
  void on_notified(std::function<void()> notify);
  void notify_when_settled(TaskId task);
  std::vector<TaskId> take_notified();

  // Around fork() of this process. In the child the engine must neither be used
  // nor destroyed.
  void before_fork() { loop_.before_fork(); }
  void after_fork_in_parent() { loop_.after_fork_in_parent(); }
  void after_fork_in_child() { loop_.after_fork_in_child(); }

 private:
  explicit Engine(Wakeup wakeup);
  void on_settled(Turn&, Task& task) override;
  void on_event(Turn&, Task& task) override;
  void on_worker_idle(Turn&, PoolId pool) override;
  void on_start_failed(Turn&, PoolId pool) override;
  std::optional<std::string> start_state(Turn&, PoolId pool);
  bool has_room(Turn&, PoolId pool, double queued_max);
  Task& task_of(Turn&, TaskId task);
  TaskView view_of(Turn&, TaskId task);
  void note_notified(Turn&, TaskId task);

  Wakeup wakeup_;  // raised for the thread that waits
  // How many of the tasks waited for must still settle; guarded by the turn.
  std::size_t wanted_ = 0;
  bool has_event_ = false;
  struct RoomWanted {
    PoolId pool;
    double queued_max;
  };
  std::optional<RoomWanted> room_wanted_;
  std::optional<PoolId> start_wanted_;
  WaitEvents wait_events_ = WaitEvents::Ignore;
  std::function<void()> notify_;
  std::vector<TaskId> notified_;
  Loop loop_;
  Scheduler scheduler_;
};

}  // namespace elsewhere
