// The owner's end of a nursery for sessions. The session forked by it has a
// stand-in (src/standin/) that processx starts; the nursery talks to that, not to
// the owner, so there is nothing to read here.
//
// One thread. Nothing blocks, but a request to a nursery that does not read waits
// for it. Dropping it lets the nursery's process end, and the
// sessions it has forked live on.
#pragma once

#include <span>
#include <string>

#include "engine/workers/channel.h"
#include "engine/workers/launch.h"

namespace elsewhere {

class SessionNursery {
 public:
  // Starts the process; what is asked meanwhile waits until R is up. `functions`
  // are what its sessions run, serialized: forks have them at once.
  static Result<SessionNursery> start(LaunchSpec spec, std::span<const std::byte> functions);

  // Asks for a session. Returns the stand-in's end of its joint with the nursery;
  // a stand-in whose nursery dies before it has forked starts R itself.
  Result<Fd> fork_session();
  // Also collects the process, once it has ended.
  bool has_ended();
  void close() { channel_.close(); }
  pid_t pid() const { return process_.pid; }

 private:
  SessionNursery(Process process, Fd channel)
      : process_(std::move(process)), channel_(std::move(channel)) {}

  Process process_;
  Channel channel_;
  bool has_ended_ = false;
};

}  // namespace elsewhere
