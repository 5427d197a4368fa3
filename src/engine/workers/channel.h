// Packets over one connected socket, both ways at once. Whoever waits here also
// moves what goes the other way, so two ends that write large packets at the
// same time cannot wait for each other.
//
// One thread at a time. Owns the descriptor. Nothing blocks but wait_sent() and
// wait_packet(), which say so.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"
#include "engine/wire/packet_reader.h"

namespace elsewhere {

// No deadline waits for ever.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;
Deadline deadline_in(std::optional<std::chrono::milliseconds> timeout);
// None for no deadline, else 0 or more.
std::optional<std::chrono::milliseconds> time_left(Deadline deadline);

class Channel {
 public:
  explicit Channel(Fd fd, std::uint64_t body_bytes_max = kBodyBytesMax)
      : fd_(std::move(fd)), reader_(body_bytes_max) {}

  int fd() const { return fd_.get(); }
  bool is_open() const { return static_cast<bool>(fd_); }
  // Every later call fails with Closed.
  void close() { fd_.reset(); }
  // Gives the descriptor up without closing it.
  int release() { return fd_.release(); }

  // Sends what goes without blocking and keeps the rest for the next call of
  // any kind. `fds` travel with the first byte and must stay open until then.
  Status send(const PacketHeader& header, Bytes body, std::vector<int> fds = {});
  bool is_all_sent() const { return outbox_.empty(); }
  // Blocks until everything is sent (true) or the time is over (false). A
  // signal ends the wait with Interrupted; nothing is lost, call again.
  Result<bool> wait_sent(Deadline deadline);

  // The next packet if all of it is here. Takes no byte of the one after it, so
  // the descriptor stays readable while there is more. Closed at end of file.
  Result<std::optional<Packet>> take_packet();
  // Blocks until a packet is here; empty when the time is over. Interrupted as
  // above.
  Result<std::optional<Packet>> wait_packet(Deadline deadline);
  // Looks for a packet again and again for up to `time`, giving the processor
  // away between looks; true as soon as there is something to read. Whoever is
  // found looking need not be woken, which saves both ends more than the looking
  // costs when an answer is only microseconds away.
  bool look_for(std::chrono::microseconds time) const;
  // Packets taken in while sending, which poll() on the descriptor cannot show.
  bool has_waiting_packet() const { return !inbox_.empty(); }

  // Descriptors that came with the packet taken last, handed over once.
  std::vector<Fd> take_fds() { return std::exchange(taken_fds_, {}); }
  // Of the packet that is coming in; 0 between packets.
  std::size_t arrived_bytes() const { return reader_.filled_bytes(); }

 private:
  struct Outgoing {
    Bytes bytes;
    std::size_t sent_bytes = 0;
    std::vector<int> fds;
  };

  struct Incoming {
    Packet packet;
    std::vector<Fd> fds;
  };

  Status send_outbox();
  Result<std::optional<Packet>> receive_packet();
  Result<bool> wait_until_ready(Deadline deadline);

  Fd fd_;
  PacketReader reader_;
  std::deque<Outgoing> outbox_;
  std::deque<Incoming> inbox_;
  std::vector<Fd> received_fds_;  // with the packet that is coming in
  std::vector<Fd> taken_fds_;
};

}  // namespace elsewhere
