// Assembles one packet after another from a stream that arrives in pieces. It
// asks for exactly the bytes of the packet at hand, so what it has not asked
// for stays in the kernel and poll() on the descriptor tells the truth.
//
//   while (...) { n = receive(into: reader.wanted()); reader.advance(n); }
#pragma once

#include "engine/wire/packet.h"

namespace elsewhere {

class PacketReader {
 public:
  explicit PacketReader(std::uint64_t body_bytes_max = kBodyBytesMax)
      : body_bytes_max_(body_bytes_max) {}

  // Where the next bytes go. Never empty but after an error; valid until advance().
  std::span<std::byte> wanted();
  // `count` bytes were put there. A packet when it is complete. After an error
  // the stream is lost, and the reader with it: it wants nothing any more, and
  // every further call is the same error.
  Result<std::optional<Packet>> advance(std::size_t count);
  // Some bytes of a packet are here, but not all.
  bool is_inside_packet() const { return filled_ > 0 || has_header_; }
  std::size_t filled_bytes() const { return filled_ + (has_header_ ? kHeaderBytes : 0); }

 private:
  std::uint64_t body_bytes_max_;
  std::array<std::byte, kHeaderBytes> head_{};
  PacketHeader header_;
  Bytes body_;
  bool has_header_ = false;
  std::size_t filled_ = 0;  // of the part at hand: header or body
};

}  // namespace elsewhere
