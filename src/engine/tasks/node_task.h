// A task in a node of the parallel package: a process that somebody else has
// started and that answers R values over a socket of R's. For a task, it puts
// packets of ours before its answer, which is then always the same few bytes: the
// tail. The owner's R writes to the socket; what comes back during a task is read
// here, from a copy of its descriptor.
//
//   Idle ──begin()──▶ Busy ──Result, tail──▶ Idle
//                       └──drain()──▶ Draining ──Synced, tail──▶ Idle
//   any ──end of file, or bytes of nobody's──▶ Lost
//
// An interrupt is held back until the node says that it has read its task (Ready);
// one that comes too late may swallow a call, so Synced is asked for again.
//
// One thread. Nothing here blocks.
#pragma once

#include <memory>
#include <string>

#include "engine/os/fd.h"
#include "engine/tasks/held_task.h"
#include "engine/wire/packet_reader.h"
#include "engine/workers/channel.h"
#include "engine/workers/stop_watch.h"

namespace elsewhere {

class NodeTask;

enum class NodeState { Idle, Busy, Draining, Lost };

class NodeLink {
 public:
  struct Spec {
    std::string name;            // "node 2 of the cluster (process 71 on `host`)"
    Pid reported_pid = -1;       // wherever it runs
    Pid pid = -1;                // where a signal reaches it, else -1
    std::size_t tail_bytes = 0;  // of the answer to every call of ours
    // A call that answers Synced with a number: eight digits in hexadecimal, which
    // stand here as zeros.
    Bytes sync_call;
  };

  NodeLink(Fd socket, Spec spec) : fd_(std::move(socket)), spec_(std::move(spec)) {}

  const Spec& spec() const { return spec_; }
  NodeState state() const { return state_; }
  const std::string& why_lost() const { return why_lost_; }
  int fd() const { return fd_.get(); }

  // Takes what has come. Of an idle node, only whether it has ended.
  void look();
  // The number that the next task is to be sent with.
  TaskId next_number() const { return TaskId{number(current_) + 1}; }
  // It was sent to the node, which was idle.
  void begin(NodeTask& task);
  // Nobody wants the answer: the node is interrupted, and idle again when it is
  // done with it.
  void drain();
  // It takes no more.
  void lose(std::string why);

 private:
  friend class NodeTask;

  // false when there is nothing to take now.
  bool take_some();
  bool take_start();
  bool skip_tail();
  bool take_packet_bytes();
  void take(Packet packet);
  void note_tail();
  void hand_over();
  void interrupt();
  void ask_to_sync();

  Fd fd_;
  Spec spec_;
  NodeState state_ = NodeState::Idle;
  std::string why_lost_;
  TaskId current_{0};
  NodeTask* task_ = nullptr;  // gone once nobody holds it
  PacketReader reader_;
  std::size_t skipped_bytes_ = 0;  // of a tail, still to come
  bool has_started_ = false;
  // Handed over with the tail, so that whoever has the value may use the node.
  std::optional<Packet> result_;
  bool is_synced_ = false;
  StopWatch stop_watch_;
  std::uint32_t sync_number_ = 0;
  std::chrono::steady_clock::time_point ask_at_;
  std::chrono::milliseconds ask_again_{};
};

class NodeTask final : public HeldTask {
 public:
  // The link's next task has been sent.
  NodeTask(std::shared_ptr<NodeLink> link, std::optional<std::chrono::milliseconds> timeout);
  // A task that runs is interrupted.
  ~NodeTask() override;

  void look() override;
  bool cancel(std::chrono::milliseconds grace) override;
  std::vector<int> descriptors() const override;
  Deadline look_by() const override { return deadline_; }
  Pid pid() const override { return link_->spec().reported_pid; }

 private:
  friend class NodeLink;

  void take(Packet packet);
  void lost(const std::string& why);
  void settle(OutcomeKind kind, Parcel value = {}, std::string message = "");

  std::shared_ptr<NodeLink> link_;
  Deadline deadline_;
};

}  // namespace elsewhere
