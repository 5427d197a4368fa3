// One packet on its way through a stream that carries bytes and nothing else: a
// value that lies in shared memory is read from there and sent in full, a window
// at a time. Any thread, one at a time; nothing blocks.
#pragma once

#include <array>
#include <span>

#include "engine/workers/parcel.h"

namespace elsewhere {

class PacketOut {
 public:
  // `parcel` may be empty.
  PacketOut(PacketKind kind, PacketFlag flag, TaskId task, SharedParcel parcel);

  // The bytes to send next; empty when all are sent. Valid until advance().
  Result<std::span<const std::byte>> next();
  void advance(std::size_t sent_bytes);

 private:
  std::array<std::byte, kHeaderBytes> header_;
  SharedParcel parcel_;
  std::uint64_t body_bytes_;
  std::uint64_t sent_bytes_ = 0;
  Bytes window_;  // of the segment
  std::uint64_t window_start_ = 0;
};

}  // namespace elsewhere
