// The unit on the wire: a fixed header of 24 bytes and a body. Encoding and
// decoding are pure functions over bytes; docs/wire-protocol.md owns the layout.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/base/result.h"

namespace elsewhere {

enum class PacketKind : std::uint16_t {
  Setup = 1,    // owner → worker: how to prepare; the first packet
  Ready = 2,    // worker → owner: prepared, or why not
  Run = 3,      // owner → worker: one task
  Event = 4,    // worker → owner: a condition, while the task runs
  Result = 5,   // worker → owner: the task's outcome; exactly one a task
  Fork = 6,     // owner → nursery: fork a worker; descriptors travel with it
  Forked = 7,   // nursery → owner: its pid; what watches it travels along
  Exited = 8,   // nursery → owner: how a forked worker ended
  Sync = 9,     // owner → worker: answer when the console lines so far have run
  Synced = 10,  // worker → owner: they have
  Signal = 11,  // owner → relay: a signal for the worker beyond it
  Vitals = 12,  // relay → owner: how the worker's process is
};

// What a packet says beside its body.
enum class PacketFlag : std::uint16_t {
  None = 0,
  Failed = 1,      // Ready, Result: the body is a message in UTF-8, not a value
  Aborted = 2,     // Result: the task jumped to top level; there is no value
  HasFds = 3,      // descriptors travel with the first byte
  Incomplete = 4,  // Synced: the last line leaves an expression unfinished
  InSegment = 5,   // a value in shared memory: its descriptor travels with the
                   // first byte, the body is its size
};

struct PacketHeader {
  PacketKind kind = PacketKind::Setup;
  PacketFlag flag = PacketFlag::None;
  TaskId task = kNoTask;
  std::uint64_t body_bytes = 0;
};

struct Packet {
  PacketKind kind = PacketKind::Setup;
  PacketFlag flag = PacketFlag::None;
  TaskId task = kNoTask;
  Bytes body;
};

inline constexpr std::size_t kHeaderBytes = 24;
// A body over this is refused before anything is allocated for it.
inline constexpr std::uint64_t kBodyBytesMax = std::uint64_t{1} << 40;

std::array<std::byte, kHeaderBytes> encode_header(const PacketHeader& header);
// Empty when fewer than 24 bytes are there; an error when they are not ours.
Result<std::optional<PacketHeader>> decode_header(std::span<const std::byte> bytes,
                                                  std::uint64_t body_bytes_max = kBodyBytesMax);

PacketHeader header_of(const Packet& packet);
Bytes encode(const Packet& packet);

struct DecodedPacket {
  Packet packet;
  std::size_t consumed_bytes = 0;
};
// The first packet in `bytes`. Empty asks for more bytes.
Result<std::optional<DecodedPacket>> decode(std::span<const std::byte> bytes,
                                            std::uint64_t body_bytes_max = kBodyBytesMax);

}  // namespace elsewhere
