// A process at the other end of a channel: packets out in order, packets in, the
// last of what it printed, and how it ended. Workers and nurseries are peers.
// Every call is made under the turn; none blocks.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/loop/loop.h"
#include "engine/os/process.h"
#include "engine/os/process_facts.h"
#include "engine/os/socket.h"
#include "engine/wire/nursery_body.h"
#include "engine/wire/packet_reader.h"
#include "engine/workers/launch.h"
#include "engine/workers/packet_out.h"

namespace elsewhere {

// What is known of a peer's end.
enum class Ending {
  Seen,            // the exit is its own
  NotReached,      // on another machine, and it never made itself known
  ConnectionLost,  // on another machine, and the exit is that of the way there
};

// How a peer ended, with its last words.
struct Departure {
  Pid pid = -1;
  ExitStatus exit;
  std::string output;
  // Why we ended it ourselves, when we did: "sent bytes that are no packet".
  std::string reason;
  std::string host = {};  // if not this one
  Ending ending = Ending::Seen;
};

class PeerListener {
 public:
  virtual void on_packet(Turn&, Packet packet, std::vector<Fd> descriptors) = 0;
  // The last call. The listener may not destroy the peer in it.
  virtual void on_departed(Turn&, const Departure& departure) = 0;

 protected:
  ~PeerListener() = default;
};

class Peer {
 public:
  // Starts to listen. `listener` and `loop` must outlive the peer.
  Peer(Turn&, Loop& loop, Launched launched, PeerListener& listener);
  ~Peer();  // only after on_departed(), or when the loop has stopped
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // On the machine where it is. -1 for one elsewhere that has not greeted yet.
  Pid pid() const { return remote_ ? remote_pid_ : process_.pid; }
  bool is_remote() const { return remote_.has_value(); }
  // Of its process, wherever that is: what it has in memory, whether a signal has
  // stopped it. Of one on another machine as it was last told.
  std::uint64_t resident() const {
    return remote_ ? remote_vitals_.resident_bytes : resident_bytes(process_.pid);
  }
  bool is_halted() const {
    return remote_ ? remote_vitals_.is_stopped != 0 : is_stopped(process_.pid);
  }
  // Sends at once what the socket takes; the rest follows from the I/O thread.
  void send(Turn&, PacketKind kind, TaskId task, SharedParcel parcel = nullptr,
            std::vector<Fd> descriptors = {});
  // SIGINT for a task that it runs. Nothing happens if the process is gone. For
  // one on another machine, whoever stands before it there waits until the task
  // has been read.
  void interrupt(Turn&, TaskId task);
  // Everything that was sent has been read at the other end, on this machine.
  bool has_read_all() const;
  // Ends the process now; `reason` becomes part of the departure. Nothing it
  // still sends is listened to.
  void kill(Turn&, std::string reason);
  // Closes our end, which asks the process to leave.
  void close_channel(Turn&);
  // From the nursery, which is the parent of what it forked.
  void exit_reported(Turn&, const ExitStatus& exit);

 private:
  struct Outgoing {
    std::array<std::byte, kHeaderBytes> header;
    SharedParcel parcel;
    std::vector<Fd> descriptors;
    std::size_t sent_bytes = 0;
  };

  void flush(Turn&);
  void flush_stream(Turn&);
  Result<Moved> send_front(const Outgoing& front);
  bool read_greeting(Turn&);
  void send_remote_signal(Turn&, TaskId task, int number);
  void end_process(Turn&);
  void on_channel_readable(Turn&);
  void read_packets(Turn&, std::size_t bytes_max);
  void on_output_readable(Turn&);
  Transfer read_output();
  void close_output(Turn&);
  void on_process_ended(Turn&);
  void depart(Turn&, const ExitStatus& exit);

  Loop& loop_;
  PeerListener& listener_;
  Process process_;
  Parent parent_;
  Fd channel_;
  Fd output_;
  PacketReader reader_;
  std::vector<Fd> received_descriptors_;
  std::deque<Outgoing> outgoing_;
  TemporaryDirectory directory_;
  std::optional<Remote> remote_;
  std::deque<PacketOut> stream_;  // what goes to another machine
  bool awaits_greeting_ = false;
  std::string prelude_;  // what came before the greeting
  Pid remote_pid_ = -1;
  std::optional<ExitStatus> remote_exit_;
  VitalsBody remote_vitals_;
  std::string last_output_;
  std::string reason_;
  std::optional<TimerId> patience_;  // for a process that should end, or an exit to be reported
  bool is_departed_ = false;
};

}  // namespace elsewhere
