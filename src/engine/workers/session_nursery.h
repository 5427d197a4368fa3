// The owner's end of a nursery for sessions. The session forked by it has a
// stand-in (src/standin/) that processx starts, which hears from the nursery how
// it ends; the owner asks only which process it is.
//
// One thread. Nothing blocks, but a request to a nursery that does not read waits
// for it. Dropping it lets the nursery's process end, and the
// sessions it has forked live on.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "engine/base/ids.h"
#include "engine/workers/channel.h"
#include "engine/workers/launch.h"

namespace elsewhere {

// What a session has from its owner; see adoption.h for the rest.
struct SessionRequest {
  TaskId number = kNoTask;  // not used before
  int channel = -1;         // its end of the channel; stays the caller's
  std::string directory;    // its working directory
  std::vector<std::string> environment;
};

class SessionNursery {
 public:
  // Starts the process; what is asked meanwhile waits until R is up. `functions`
  // are what its sessions run, serialized: forks have them at once.
  static Result<SessionNursery> start(LaunchSpec spec, std::span<const std::byte> functions);

  // Returns the stand-in's end of its joint with the nursery; a stand-in whose
  // nursery dies before it has forked starts R itself.
  Result<Fd> fork_session(const SessionRequest& request);
  // Which process was forked for a request; blocks until that is known. Empty when
  // none was, or nobody can say. Takes the answer.
  Result<std::optional<Process>> forked(TaskId request, Deadline deadline);
  // Whoever has asked does not want to know any more.
  void forget(TaskId request);
  // Also collects the process, once it has ended.
  bool has_ended();
  void close() { channel_.close(); }
  Pid pid() const { return process_.pid; }

 private:
  SessionNursery(Process process, Fd channel, TemporaryDirectory directory)
      : process_(std::move(process)),
        channel_(std::move(channel)),
        directory_(std::move(directory)) {}

  void note(Packet packet);

  Process process_;
  Channel channel_;
  TemporaryDirectory directory_;
  std::set<TaskId> asked_;
  std::map<TaskId, Process> answered_;
  bool has_ended_ = false;
};

}  // namespace elsewhere
