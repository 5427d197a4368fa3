// A task of which no engine knows: whoever holds it asks it, and it takes what has
// come when it is asked. One thread. Nothing here blocks.
#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "engine/os/pid.h"
#include "engine/tasks/task.h"
#include "engine/workers/channel.h"

namespace elsewhere {

class HeldTask {
 public:
  HeldTask() = default;
  HeldTask(const HeldTask&) = delete;
  HeldTask& operator=(const HeldTask&) = delete;
  virtual ~HeldTask() = default;

  // This object was copied by a fork: the task is another process's.
  bool is_copy() const { return this_process() != owner_pid_; }
  TaskState state() const { return state_; }
  const Outcome& outcome() const { return outcome_; }  // once settled
  // The process that runs it; -1 while there is none.
  virtual Pid pid() const = 0;
  bool has_events() const { return !events_.empty(); }
  std::vector<Parcel> take_events() { return std::exchange(events_, {}); }

  // Takes what has come.
  virtual void look() = 0;
  // Settles the task as cancelled and interrupts it. false if it had settled.
  virtual bool cancel(std::chrono::milliseconds grace) = 0;
  // One of these can be read when there is something to look at, until it has
  // settled.
  virtual std::vector<int> descriptors() const = 0;
  // When there is something to look at although nothing has come; none: never.
  virtual Deadline look_by() const { return {}; }

 protected:
  Pid owner_pid_ = this_process();
  TaskState state_ = TaskState::Running;
  Outcome outcome_;
  std::vector<Parcel> events_;
};

}  // namespace elsewhere
