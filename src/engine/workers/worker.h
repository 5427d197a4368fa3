// One background R process that runs tasks, as a state machine:
//
//   Starting ──ready──▶ Idle ──run()──▶ Busy ──last result──▶ Idle
//       └──────────────────┴───────────────┴──departed──▶ Gone
//
// A busy worker may have a second task waiting behind the one it runs, which
// spares it the way to its owner and back between two quick ones.
// Every call is made under the turn; none blocks.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>

#include "engine/base/ids.h"
#include "engine/workers/nursery.h"
#include "engine/workers/peer.h"

namespace elsewhere {

class Worker;
enum class WorkerState { Starting, Idle, Busy, Gone };

// What a worker said of its task: a value, or a flag and words.
struct Reply {
  PacketFlag flag = PacketFlag::None;
  Parcel parcel;
  Pid pid = -1;
  std::chrono::steady_clock::duration took{};
};

class WorkerListener {
 public:
  virtual void on_worker_ready(Turn&, Worker& worker) = 0;
  virtual void on_worker_event(Turn&, Worker& worker, TaskId task, Parcel event) = 0;
  // `task` was the first of what it had been given.
  virtual void on_worker_result(Turn&, Worker& worker, TaskId task, Reply reply) = 0;
  // The last call. `before` is what the worker was when it ended; if it was
  // Busy, worker.tasks() are still what it had been given, the first one started.
  virtual void on_worker_gone(Turn&, Worker& worker, WorkerState before,
                              const Departure& departure) = 0;

 protected:
  ~WorkerListener() = default;
};

class Worker final : private PeerListener, private NurseryClient {
 public:
  Worker(Loop& loop, WorkerId id, WorkerListener& listener)
      : loop_(loop), id_(id), listener_(listener) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Start in one of three ways; then comes ready or gone, within `patience`.
  void start_by_exec(Turn&, const LaunchSpec& spec, SharedParcel setup,
                     std::chrono::milliseconds patience);
  void start_remote(Turn&, const RemoteSpec& spec, SharedParcel setup,
                    std::chrono::milliseconds patience);
  void start_by_nursery(Turn&, Nursery& nursery, SharedParcel environment, SharedParcel setup,
                        std::chrono::milliseconds patience);

  WorkerId id() const { return id_; }
  WorkerState state() const { return state_; }
  bool is_of_nursery() const { return nursery_ != nullptr; }
  Pid pid() const { return peer_ ? peer_->pid() : -1; }
  // What it has been given and not answered: it runs the first.
  const std::deque<TaskId>& tasks() const { return tasks_; }
  bool has(TaskId task) const;
  bool runs(TaskId task) const { return !tasks_.empty() && tasks_.front() == task; }
  // How long the first task has been running.
  std::chrono::steady_clock::duration running_time() const;

  void run(Turn&, TaskId task, SharedParcel payload);  // at most one behind another
  // SIGINT, which R turns into an interrupt of the task it runs. A worker drops
  // the signals that came before it reads a task, so that an interrupt meant for
  // one task never hits the next; this one is therefore held back until the
  // task has been read and none waits behind it.
  void interrupt(Turn&, TaskId task);
  void kill(Turn&, std::string reason);
  // Asks the process to leave by closing its channel.
  void dismiss(Turn&);
  // Leaves as soon as it has answered what it was given, and is not given more.
  void retire() { is_retired_ = true; }
  bool is_retired() const { return is_retired_; }
  // Something waits for it alone: nothing else is put behind what it runs.
  void reserve(bool is_reserved) { is_reserved_ = is_reserved; }
  bool is_reserved() const { return is_reserved_; }
  std::uint64_t resident() const { return peer_ ? peer_->resident() : 0; }

  // Since it became ready.
  std::chrono::steady_clock::duration age() const;
  int answered_count() const { return answered_; }

 private:
  void begin(Turn&, SharedParcel setup, std::chrono::milliseconds patience);
  void launched(Turn&, Result<Launched> launched);
  void gone(Turn&, const Departure& departure);
  void on_packet(Turn&, Packet packet, std::vector<Fd> descriptors) override;
  void look_whether_stopped(Turn&);
  void on_event(Turn&, Packet packet, std::vector<Fd> descriptors);
  void on_result(Turn&, Packet packet, std::vector<Fd> descriptors);
  void on_departed(Turn&, const Departure& departure) override;
  void on_forked(Turn&, Result<Launched> launched) override;
  void on_exit_reported(Turn&, const ExitStatus& exit) override;

  Loop& loop_;
  WorkerId id_;
  WorkerListener& listener_;
  WorkerState state_ = WorkerState::Starting;
  std::deque<TaskId> tasks_;
  std::chrono::steady_clock::time_point running_since_;
  std::optional<Peer> peer_;
  Nursery* nursery_ = nullptr;
  SharedParcel setup_;
  std::optional<TimerId> start_timer_;
  std::optional<TimerId> interrupt_timer_;
  std::optional<TimerId> stop_timer_;
  int stopped_looks_ = 0;  // in a row at which the process was stopped
  std::chrono::steady_clock::time_point ready_since_;
  int answered_ = 0;
  bool is_retired_ = false;
  bool is_reserved_ = false;
};

}  // namespace elsewhere
