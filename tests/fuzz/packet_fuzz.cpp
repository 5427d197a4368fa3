// decode() never crashes, and what it accepts encodes to the same bytes again.
// PacketReader, fed the same bytes in pieces, finds the same packets.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "engine/wire/packet.h"
#include "engine/wire/packet_reader.h"

namespace {

using namespace elsewhere;

// Small enough that no input can ask for much memory.
constexpr std::uint64_t kLimit = 1 << 16;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_same(const Packet& left, const Packet& right) {
  const Bytes left_bytes = encode(left);
  const Bytes right_bytes = encode(right);
  require(left_bytes.size() == right_bytes.size());
  require(std::memcmp(left_bytes.data(), right_bytes.data(), left_bytes.size()) == 0);
}

// Gives the reader at most `piece` bytes at a time, as a slow peer would, and
// checks the first packet it finds against `expected`.
void read_in_pieces(std::span<const std::byte> bytes, std::size_t piece, const Packet& expected) {
  PacketReader reader(kLimit);
  while (!bytes.empty()) {
    const auto into = reader.wanted();
    require(!into.empty());
    const std::size_t count = std::min({piece, into.size(), bytes.size()});
    std::memcpy(into.data(), bytes.data(), count);
    bytes = bytes.subspan(count);
    auto packet = reader.advance(count);
    require(packet.ok());
    if (packet.value()) return require_same(*packet.value(), expected);
  }
  std::abort();  // decode() found a packet in these bytes, the reader did not
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto decoded = decode(bytes, kLimit);
  if (!decoded.ok() || !decoded.value()) return 0;
  const auto& found = *decoded.value();
  const auto consumed = bytes.first(found.consumed_bytes);
  const Bytes again = encode(found.packet);
  require(again.size() == consumed.size());
  require(std::memcmp(again.data(), consumed.data(), consumed.size()) == 0);
  for (const std::size_t piece : {1U, 7U, 4096U}) read_in_pieces(consumed, piece, found.packet);
  return 0;
}
