// The owner's side of a task that runs in a fork of this very process: no pool,
// no queue, no I/O thread. Whoever holds it asks it; it takes what has come when
// it is asked. One thread, the one that forks. Nothing here blocks.
//
// States are those of a task: Running ──▶ Settled, once. A child that dies may be
// forked again, as often as the retries allow; the task runs on meanwhile.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/os/process.h"
#include "engine/tasks/held_task.h"
#include "engine/workers/channel.h"
#include "engine/workers/forked_child.h"
#include "engine/workers/stop_watch.h"

namespace elsewhere {

class ForkedTask final : public HeldTask {
 public:
  struct Options {
    int retries = 0;                                   // after the loss of the child
    std::optional<std::chrono::milliseconds> timeout;  // of each attempt
  };
  // Runs in the child, and ends with what it sends.
  using Evaluate = std::function<void(ForkedChild&)>;

  // Forks. In the child this call never returns.
  static Result<std::unique_ptr<ForkedTask>> start(const Options& options, Evaluate evaluate);
  // Kills the child if it still runs, which nobody will ask for any more.
  ~ForkedTask() override;

  // Takes what the child has sent, and notes its end.
  void look() override;
  // The child is killed when `grace` has passed.
  bool cancel(std::chrono::milliseconds grace) override;
  // The packets, the end.
  std::vector<int> descriptors() const override;
  Pid pid() const override { return process_.pid; }

 private:
  ForkedTask(const Options& options, Evaluate evaluate);

  Status fork_child();
  void hold();
  void let_go();
  // The task is over, the process not yet.
  void dismiss_child();
  void take_packets();
  void take(Packet packet);
  void settle(OutcomeKind kind, Parcel value = {}, std::string message = "");
  void note_end();

  Options options_;
  Evaluate evaluate_;
  Process process_;
  Channel channel_{Fd()};
  Fd control_;
  Deadline deadline_;
  Deadline kill_at_;
  StopWatch stop_watch_;
  bool stays_stopped_ = false;
};

// Children that have settled but not ended yet are reaped here: at each start,
// look and end of a task, and by this. How many are left.
std::size_t reap_forked_children();

}  // namespace elsewhere
