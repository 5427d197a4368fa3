// A serialized value on its way: bytes in a packet's body or, when it is large,
// in a segment of which the packet carries the descriptor. The receiver gets the
// same bytes either way.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/shm/segment.h"
#include "engine/wire/packet.h"

namespace elsewhere {

class Parcel {
 public:
  Parcel() = default;
  explicit Parcel(Bytes bytes) : bytes_(std::move(bytes)) {}
  // What a packet brought, with the descriptors that came beside it. Copied into
  // memory where too many segments are open already.
  static Result<Parcel> unpack(Packet packet, std::vector<Fd> descriptors);

  std::uint64_t size_bytes() const { return segment_ ? segment_->size_bytes() : bytes_.size(); }
  const std::optional<Segment>& segment() const { return segment_; }

  // Fills `into` from `offset`; an error if there is less.
  Status read(std::uint64_t offset, std::span<std::byte> into) const;

  // What goes into the packet: the body itself, or the size of the segment.
  std::span<const std::byte> body() const;
  PacketFlag flag() const { return segment_ ? PacketFlag::InSegment : PacketFlag::None; }

 private:
  friend class ParcelWriter;

  Bytes bytes_;
  std::optional<Segment> segment_;
  std::uint64_t segment_bytes_ = 0;  // as body() shows it
};

// Less than a socket takes while nobody reads, which is 208 KB on Linux: who sends a
// value is done at once, and who reads finds all of it. By time alone, the socket is
// a little quicker up to 512 KB (bench/results/2026-11-22-segment.md).
inline constexpr std::size_t kSegmentFromBytes = std::size_t{96} << 10;

// Makes a parcel piece by piece, small or large, and takes a segment when the
// value becomes large.
class ParcelWriter {
 public:
  Status append(std::span<const std::byte> bytes);
  Result<Parcel> finish();

 private:
  Status flush();

  Parcel parcel_;
  Bytes pending_;  // for the segment, when there is one
};

// Reads a parcel from its start, piece by piece.
class ParcelReader {
 public:
  explicit ParcelReader(const Parcel& parcel) : parcel_(parcel) {}
  Status read(std::span<std::byte> into);

 private:
  const Parcel& parcel_;
  std::uint64_t offset_ = 0;  // of what has not been handed out
  Bytes window_;              // what was read ahead from the segment
  std::size_t window_used_ = 0;
};

// Several owners may need one: the task for a retry, the peer while it is sent.
using SharedParcel = std::shared_ptr<const Parcel>;

}  // namespace elsewhere
