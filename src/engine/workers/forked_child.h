// The child's side of a forked task: a copy of its owner's process that does one
// evaluation, sends what came of it and ends. It never touches the engine it was
// copied with, and nothing of the owner is destroyed in it: it ends at once,
// without destructors, finalizers or exit handlers.
//
// The child is the leader of a process group of its own. A small thread in it
// watches the owner: when the owner is gone, when the time given is over, or
// some time after the owner has cancelled the task, it kills the group, also
// while the evaluation is deep in C code.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/os/fd.h"
#include "engine/workers/channel.h"
#include "engine/workers/parcel.h"

namespace elsewhere {

class ForkedChild {
 public:
  // `control` is the reading end of the owner's pipe: its end of file means that
  // the owner is gone, eight bytes that the task is cancelled.
  ForkedChild(Fd channel, Fd control)
      : channel_(std::move(channel)), control_(std::move(control)) {}

  // Makes this process a child as above. Once, before the evaluation.
  Status settle_in(std::optional<std::chrono::milliseconds> timeout);

  // Each blocks until the owner has room for it. The thread that evaluates only.
  void send_event(const Parcel& condition);
  void send_value(const Parcel& value);
  void send_failure(const std::string& message);
  void send_aborted();

 private:
  void send(PacketKind kind, PacketFlag flag, Bytes body, std::vector<int> fds = {});
  void send_parcel(PacketKind kind, const Parcel& parcel);

  Channel channel_;
  Fd control_;
};

}  // namespace elsewhere
