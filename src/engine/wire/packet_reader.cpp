#include "engine/wire/packet_reader.h"

#include <new>
#include <string>
#include <utility>

namespace elsewhere {

std::span<std::byte> PacketReader::wanted() {
  if (has_header_) return body_.span().subspan(filled_);
  return std::span(head_).subspan(filled_);
}

Result<std::optional<Packet>> PacketReader::advance(std::size_t count) {
  filled_ += count;
  if (!has_header_) {
    if (filled_ < kHeaderBytes) return std::optional<Packet>{};
    auto header = decode_header(head_, body_bytes_max_);
    if (!header.ok()) return header.error();
    header_ = *header.value();
    // Memory that is only reserved costs nothing, so a length that never
    // arrives does no harm; one that no machine has is the peer's error.
    try {
      body_ = Bytes(static_cast<std::size_t>(header_.body_bytes));
    } catch (const std::bad_alloc&) {
      return Error{ErrorCode::TooLarge, "not enough memory for a packet of " +
                                            std::to_string(header_.body_bytes) + " bytes"};
    }
    has_header_ = true;
    filled_ = 0;
  }
  if (filled_ < header_.body_bytes) return std::optional<Packet>{};
  has_header_ = false;
  filled_ = 0;
  return std::optional(
      Packet{header_.kind, header_.flag, header_.task, std::exchange(body_, Bytes())});
}

}  // namespace elsewhere
