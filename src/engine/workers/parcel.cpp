#include "engine/workers/parcel.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace elsewhere {
namespace {

// Small pieces go through memory of this size, one system call for all of them.
constexpr std::size_t kWindowBytes = std::size_t{64} << 10;

}  // namespace

Result<Parcel> Parcel::unpack(Packet packet, std::vector<Fd> descriptors) {
  if (packet.flag != PacketFlag::InSegment) return Parcel(std::move(packet.body));
  std::uint64_t size_bytes = 0;
  if (packet.body.size() != sizeof size_bytes || descriptors.size() != 1) {
    return Error{ErrorCode::Protocol, "a large value came without its shared memory"};
  }
  std::memcpy(&size_bytes, packet.body.data(), sizeof size_bytes);
  Parcel parcel;
  parcel.segment_ = Segment::received(std::move(descriptors[0]), size_bytes);
  parcel.segment_bytes_ = size_bytes;
  if (!Segment::are_many()) return parcel;
  Bytes copy(static_cast<std::size_t>(size_bytes));
  if (auto status = parcel.read(0, copy.span()); !status.ok()) return status.error();
  return Parcel(std::move(copy));
}

Status Parcel::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (segment_) return segment_->read(offset, into);
  if (offset + into.size() > bytes_.size()) {
    return Error{ErrorCode::Protocol, "a serialized value is cut short"};
  }
  if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
  return Done{};
}

std::span<const std::byte> Parcel::body() const {
  if (segment_) return std::as_bytes(std::span(&segment_bytes_, 1));
  return bytes_.span();
}

Status ParcelWriter::append(std::span<const std::byte> bytes) {
  if (!parcel_.segment_) {
    if (parcel_.bytes_.size() + bytes.size() >= kSegmentFromBytes) {
      parcel_.segment_ = Segment::open();
    }
    if (!parcel_.segment_) {
      parcel_.bytes_.append(bytes);
      return Done{};
    }
    pending_ = std::exchange(parcel_.bytes_, Bytes());
  }
  if (bytes.size() < kWindowBytes / 4) {
    pending_.append(bytes);
    return pending_.size() < kWindowBytes ? Status(Done{}) : flush();
  }
  if (auto status = flush(); !status.ok()) return status;
  return parcel_.segment_->append(bytes);
}

Status ParcelWriter::flush() {
  auto status = parcel_.segment_->append(pending_.span());
  pending_.clear();
  return status;
}

Result<Parcel> ParcelWriter::finish() {
  if (parcel_.segment_) {
    if (auto status = flush(); !status.ok()) return status.error();
    parcel_.segment_bytes_ = parcel_.segment_->size_bytes();
  }
  return std::move(parcel_);
}

Status ParcelReader::read(std::span<std::byte> into) {
  const std::size_t ahead = std::min(window_.size() - window_used_, into.size());
  if (ahead > 0) {
    std::memcpy(into.data(), window_.data() + window_used_, ahead);
    window_used_ += ahead;
    into = into.subspan(ahead);
  }
  if (into.empty()) return Done{};
  const std::uint64_t left = parcel_.size_bytes() - offset_;
  if (parcel_.segment() && into.size() < kWindowBytes / 4 && into.size() <= left) {
    window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, left)));
    window_used_ = 0;
    if (auto status = parcel_.read(offset_, window_.span()); !status.ok()) return status;
    offset_ += window_.size();
    return read(into);
  }
  offset_ += into.size();
  return parcel_.read(offset_ - into.size(), into);
}

}  // namespace elsewhere
