#include "engine/wire/packet.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

namespace elsewhere {
namespace {

// "ELSW", then the version of the layout; little-endian like every number here.
constexpr std::uint32_t kMagic = 0x57534c45;
constexpr std::uint16_t kVersion = 1;

static_assert(std::endian::native == std::endian::little,
              "the wire is little-endian; a big-endian host needs byte swaps here");

template <class T>
void put(std::span<std::byte> bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

template <class T>
T get(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// Kind (5 bits) and flag (11 bits) share one 16-bit word.
constexpr unsigned kFlagShift = 5;
constexpr std::uint16_t kKindMask = (1u << kFlagShift) - 1;

bool is_kind(std::uint16_t number) {
  return number >= static_cast<std::uint16_t>(PacketKind::Setup) &&
         number <= static_cast<std::uint16_t>(PacketKind::Vitals);
}

bool is_flag(std::uint16_t number) {
  return number <= static_cast<std::uint16_t>(PacketFlag::InSegment);
}

}  // namespace

std::array<std::byte, kHeaderBytes> encode_header(const PacketHeader& header) {
  std::array<std::byte, kHeaderBytes> bytes{};
  const auto kind = static_cast<std::uint16_t>(header.kind);
  const auto flag = static_cast<std::uint16_t>(header.flag);
  put(std::span(bytes), 0, kMagic);
  put(std::span(bytes), 4, kVersion);
  put(std::span(bytes), 6, static_cast<std::uint16_t>(kind | (flag << kFlagShift)));
  put(std::span(bytes), 8, number(header.task));
  put(std::span(bytes), 16, header.body_bytes);
  return bytes;
}

Result<std::optional<PacketHeader>> decode_header(std::span<const std::byte> bytes,
                                                  std::uint64_t body_bytes_max) {
  if (bytes.size() < kHeaderBytes) return std::optional<PacketHeader>{};
  if (get<std::uint32_t>(bytes, 0) != kMagic) {
    return Error{ErrorCode::Protocol, "these bytes are not a packet of elsewhere"};
  }
  if (const auto version = get<std::uint16_t>(bytes, 4); version != kVersion) {
    return Error{ErrorCode::Protocol, "the peer speaks version " + std::to_string(version) +
                                          " of the protocol, this end speaks version " +
                                          std::to_string(kVersion)};
  }
  const auto word = get<std::uint16_t>(bytes, 6);
  const auto kind = static_cast<std::uint16_t>(word & kKindMask);
  const auto flag = static_cast<std::uint16_t>(word >> kFlagShift);
  if (!is_kind(kind) || !is_flag(flag)) {
    return Error{ErrorCode::Protocol, "no packet has kind " + std::to_string(kind) + " and flag " +
                                          std::to_string(flag)};
  }
  const auto body_bytes = get<std::uint64_t>(bytes, 16);
  // More than this no process can hold, least of all one of 32 bits.
  const auto limit = std::min<std::uint64_t>(body_bytes_max, SIZE_MAX - kHeaderBytes);
  if (body_bytes > limit) {
    return Error{ErrorCode::TooLarge, "a packet of " + std::to_string(body_bytes) +
                                          " bytes is over the limit of " + std::to_string(limit) +
                                          " bytes"};
  }
  return std::optional(PacketHeader{static_cast<PacketKind>(kind), static_cast<PacketFlag>(flag),
                                    TaskId{get<std::uint64_t>(bytes, 8)}, body_bytes});
}

PacketHeader header_of(const Packet& packet) {
  return {packet.kind, packet.flag, packet.task, packet.body.size()};
}

Bytes encode(const Packet& packet) {
  Bytes out;
  out.reserve(kHeaderBytes + packet.body.size());
  out.append(encode_header(header_of(packet)));
  out.append(packet.body.span());
  return out;
}

Result<std::optional<DecodedPacket>> decode(std::span<const std::byte> bytes,
                                            std::uint64_t body_bytes_max) {
  auto header = decode_header(bytes, body_bytes_max);
  if (!header.ok()) return header.error();
  if (!header.value()) return std::optional<DecodedPacket>{};
  const auto& found = *header.value();
  if (bytes.size() - kHeaderBytes < found.body_bytes) return std::optional<DecodedPacket>{};
  const auto body = bytes.subspan(kHeaderBytes, static_cast<std::size_t>(found.body_bytes));
  return std::optional(DecodedPacket{Packet{found.kind, found.flag, found.task, Bytes(body)},
                                     kHeaderBytes + body.size()});
}

}  // namespace elsewhere
