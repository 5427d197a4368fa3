// Between a worker and an owner on another machine: carries packets from two
// descriptors that know bytes alone (what ssh gives) to the worker's channel and
// back, so that the worker and its owner need not know that they are far apart.
//
// The relay is the worker's parent. It interrupts and ends the worker when the
// owner says so, tells how it ended, and ends it when the owner is gone. It is
// all that its process does, in one thread.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "engine/os/process.h"
#include "engine/workers/channel.h"
#include "engine/workers/packet_out.h"

namespace elsewhere {

class Relay {
 public:
  // `in` and `out` lead to the owner; `channel` is our end of the worker's.
  Relay(Fd in, Fd out, Fd channel, Process worker);

  // Blocks until the worker has ended, by itself or because the owner is gone.
  // `greeting` goes out first. The status to end this process with.
  int run(const std::string& greeting);

 private:
  // What has come of the packet that arrives from the owner.
  struct Arriving {
    std::array<std::byte, kHeaderBytes> head{};
    std::size_t head_bytes = 0;
    std::optional<PacketHeader> header;
    ParcelWriter body;
    std::uint64_t body_bytes = 0;
  };

  void wait_for_work();
  void read_owner();
  bool read_some_of_owner();
  void take_from_owner();
  void take_signal(TaskId task, int number);
  void interrupt_when_read();
  void read_worker();
  void send_vitals();
  void write_owner();
  void send_owner(PacketKind kind, PacketFlag flag, TaskId task, SharedParcel parcel);
  void end_worker();
  ExitStatus farewell();

  Fd in_, out_;
  Channel channel_;
  Process worker_;
  Arriving arriving_;
  std::string greeting_;
  std::deque<PacketOut> to_owner_;
  KeepsSegments keeps_segments_;
  std::vector<SharedParcel> held_;      // until their descriptors have been sent
  std::deque<TaskId> tasks_;            // given to the worker, not answered
  std::optional<TaskId> to_interrupt_;  // once the worker has read it
  bool was_stopped_ = false;            // when last told
  bool is_owner_gone_ = false;
  bool is_worker_gone_ = false;
};

}  // namespace elsewhere
