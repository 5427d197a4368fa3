#include "engine/workers/packet_out.h"

#include <algorithm>
#include <utility>

namespace elsewhere {
namespace {

constexpr std::uint64_t kWindowBytes = std::uint64_t{1} << 20;

}  // namespace

PacketOut::PacketOut(PacketKind kind, PacketFlag flag, TaskId task, SharedParcel parcel)
    : parcel_(std::move(parcel)), body_bytes_(parcel_ ? parcel_->size_bytes() : 0) {
  header_ = encode_header({kind, flag, task, body_bytes_});
}

Result<std::span<const std::byte>> PacketOut::next() {
  using Piece = std::span<const std::byte>;
  if (sent_bytes_ < kHeaderBytes) {
    return Piece(header_).subspan(static_cast<std::size_t>(sent_bytes_));
  }
  const std::uint64_t at = sent_bytes_ - kHeaderBytes;
  if (at == body_bytes_) return Piece();
  if (!parcel_->segment()) return parcel_->body().subspan(static_cast<std::size_t>(at));
  if (at >= window_start_ + window_.size()) {
    window_start_ = at;
    window_.resize(static_cast<std::size_t>(std::min(kWindowBytes, body_bytes_ - at)));
    if (auto read = parcel_->read(at, window_.span()); !read.ok()) return read.error();
  }
  return std::as_const(window_).span().subspan(static_cast<std::size_t>(at - window_start_));
}

void PacketOut::advance(std::size_t sent_bytes) { sent_bytes_ += sent_bytes; }

}  // namespace elsewhere
