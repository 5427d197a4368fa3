// The side of a nursery that forks: takes its owner's requests, forks for each,
// and tells how the forks end. What a fork becomes is not its business.
//
// The one thread of its process: a fork copies no other. Owns the channel to the
// owner. The process ends with its owner, inside serve().
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/process.h"
#include "engine/wire/packet.h"
#include "engine/workers/channel.h"

namespace elsewhere {

// What a request brings, and what its fork has from the nursery.
struct ForkOrder {
  Packet request;
  std::vector<Fd> joints;
  Process owner;          // of the nursery
  std::string directory;  // of a worker of a pool; a session's is its owner's business
};
// A session's joints: to its stand-in, its channel, its working directory. Those of
// a worker of a pool: its channel, its output.
bool is_for_session(const std::vector<Fd>& joints);

struct ForkServerOptions {
  // The process ends when nothing it has forked has lived for so long; none for never.
  std::optional<std::chrono::milliseconds> idle_max;
  // Whatever another thread holds, a lock of a numerics library, say, would be held
  // for ever in the fork. With more threads than these it refuses.
  int threads_max = 1;
};

class ForkServer {
 public:
  ForkServer(Fd channel, Process owner, ForkServerOptions options)
      : channel_(std::move(channel)), owner_(std::move(owner)), options_(options) {}

  // Blocks, and returns in each fork alone, whose session and process group are its
  // own. `on_setup` gets the packet with what forks are to share. In the fork the
  // channel's descriptor is open still, to be replaced by the fork's own.
  ForkOrder serve(const std::function<void(const Packet&)>& on_setup);

 private:
  struct Forked {
    Process process;
    TaskId request;
    Fd stand_in;  // of a session, hears how it ended
    std::string directory;
  };

  void wait_for_work();
  void report_exits();
  void report_exit(const Forked& child, const ExitStatus& exit);
  bool fork_one(const Packet& request, std::vector<Fd>& joints);
  void keep(const Packet& request, std::vector<Fd>& joints, Process child);
  void refuse(TaskId request, const std::vector<Fd>& joints, const std::string& why);
  void send(PacketKind kind, PacketFlag flag, TaskId request, Bytes body,
            std::vector<int> fds = {});

  Channel channel_;
  Process owner_;
  ForkServerOptions options_;
  std::string directory_;  // of the process that is forked next, or was
  std::vector<Forked> children_;
};

}  // namespace elsewhere
