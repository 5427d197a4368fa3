// The owner's end of one session: the channel, the files its output is in, and
// what is under way. The user's thread reads and writes itself, so a call costs
// no hop; there is no I/O thread.
//
// Owned and used by one thread.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "engine/os/process.h"
#include "engine/workers/channel.h"
#include "engine/workers/parcel.h"

namespace elsewhere {

class SessionLink {
 public:
  explicit SessionLink(Fd fd) : channel_(std::move(fd)) {}

  Channel& channel() { return channel_; }
  // Closes the channel and the files.
  void close();
  // What is under way: a call, or nothing.
  bool is_running() const { return running_.has_value(); }

  // The number of the request to a nursery to fork the session; kNoTask for none.
  void has_asked(TaskId request) { request_ = request; }
  TaskId request() const { return request_; }
  // The process of a session that a nursery has forked; null for any other, or
  // while it is not known.
  const Process* forked_process() const { return forked_ ? &*forked_ : nullptr; }
  void is_forked(Process process) { forked_ = std::move(process); }
  // That of a session for which R was started.
  void is_started(Fd watch) { started_ = std::move(watch); }
  // Waits until the process of the session has ended; false if it has not in time.
  bool wait_gone(Deadline deadline) const;

  // Nobody may read before R is up, and whoever waits for that may only look at the
  // channel: what is not sent at once is not sent. So what a socket might not take
  // comes in a segment.
  Status set_up(Parcel setup);
  // Sends a task; what does not go at once goes with the next call of any kind.
  Status start(Parcel payload);
  // The value that came with a packet that take() or wait() returned last.
  Result<Parcel> value_of(Packet packet);
  Status sync();

  // The next packet that belongs to what is under way, if it is here. What is
  // left from before is dropped.
  Result<std::optional<Packet>> take();
  Result<std::optional<Packet>> wait(Deadline deadline);

  // What the last or present call has printed; empty when the stream is not kept
  // in memory. Does not block.
  enum class Stream { Output = 0, Error = 1 };
  std::string printed(Stream stream) const;
  bool has_printed(Stream stream) const;
  // Which streams are kept in memory, in the order their files arrive.
  void keep_in_memory(bool output, bool error);

 private:
  Status send(PacketKind kind, TaskId task, Parcel parcel);
  bool is_expected(const Packet& packet);
  void adopt_files();

  Channel channel_;
  TaskId request_ = kNoTask;
  std::optional<Process> forked_;
  Fd started_;
  std::uint64_t last_task_ = 0;
  std::optional<KeepsSegments> keeps_segments_{std::in_place};
  Parcel sending_;  // holds the segment until its descriptor is sent
  std::optional<TaskId> running_;
  std::array<bool, 2> is_in_memory_{false, false};
  std::array<Fd, 2> files_;
};

}  // namespace elsewhere
