#include "engine/wire/packet_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace elsewhere {
namespace {

Packet run_packet(std::uint64_t task, std::string_view text) {
  return {PacketKind::Run, PacketFlag::None, TaskId{task},
          Bytes(std::as_bytes(std::span(text.data(), text.size())))};
}

std::string text_of(const Packet& packet) {
  return {reinterpret_cast<const char*>(packet.body.data()), packet.body.size()};
}

// What a stream of `bytes` becomes when at most `piece` bytes arrive at once.
std::vector<Packet> read_all(PacketReader& reader, std::span<const std::byte> bytes,
                             std::size_t piece) {
  std::vector<Packet> packets;
  while (!bytes.empty()) {
    const auto into = reader.wanted();
    const std::size_t count = std::min({piece, into.size(), bytes.size()});
    EXPECT_GT(count, 0u);
    std::memcpy(into.data(), bytes.data(), count);
    bytes = bytes.subspan(count);
    auto packet = reader.advance(count);
    EXPECT_TRUE(packet.ok());
    if (packet.ok() && packet.value()) packets.push_back(std::move(*packet.value()));
  }
  return packets;
}

Bytes three_packets() {
  Bytes stream = encode(run_packet(1, "first"));
  stream.append(encode(run_packet(2, "")).span());
  stream.append(encode(run_packet(3, std::string(5000, 'z'))).span());
  return stream;
}

TEST(PacketReader, FindsTheSamePacketsHoweverTheStreamIsCut) {
  const Bytes stream = three_packets();
  for (const std::size_t piece : {1U, 2U, 23U, 24U, 25U, 100U, 100000U}) {
    PacketReader reader;
    const auto packets = read_all(reader, stream.span(), piece);
    ASSERT_EQ(packets.size(), 3u) << "pieces of " << piece;
    EXPECT_EQ(text_of(packets[0]), "first");
    EXPECT_EQ(packets[1].task, TaskId{2});
    EXPECT_EQ(text_of(packets[2]), std::string(5000, 'z'));
    EXPECT_FALSE(reader.is_inside_packet());
  }
}

TEST(PacketReader, NeverAsksForAByteOfTheNextPacket) {
  const Bytes packet = encode(run_packet(1, "body"));
  PacketReader reader;
  std::size_t asked = 0;
  for (std::size_t at = 0; at < packet.size();) {
    const auto into = reader.wanted();
    asked += into.size();
    std::memcpy(into.data(), packet.data() + at, into.size());
    at += into.size();
    ASSERT_TRUE(reader.advance(into.size()).ok());
  }
  EXPECT_EQ(asked, packet.size());
}

TEST(PacketReader, KnowsAtEveryCutWhetherItIsInsideAPacket) {
  const Bytes packet = encode(run_packet(1, "body"));
  for (std::size_t cut = 0; cut <= packet.size(); ++cut) {
    PacketReader reader;
    read_all(reader, packet.span().first(cut), 1);
    EXPECT_EQ(reader.is_inside_packet(), cut > 0 && cut < packet.size()) << "cut at " << cut;
  }
}

TEST(PacketReader, ReportsAWrongHeader) {
  PacketReader reader;
  const auto into = reader.wanted();
  std::fill(into.begin(), into.end(), std::byte{0xff});
  const auto packet = reader.advance(into.size());
  ASSERT_FALSE(packet.ok());
  EXPECT_EQ(packet.error().code, ErrorCode::Protocol);
}

TEST(PacketReader, RefusesABodyOverItsLimit) {
  PacketReader reader(10);
  const auto header = encode_header({PacketKind::Run, PacketFlag::None, TaskId{1}, 11});
  std::memcpy(reader.wanted().data(), header.data(), header.size());
  const auto packet = reader.advance(header.size());
  ASSERT_FALSE(packet.ok());
  EXPECT_EQ(packet.error().code, ErrorCode::TooLarge);
}

// A length within the limit can still be more than the machine has. That is the
// peer's fault, and must not throw on the thread that reads.
TEST(PacketReader, AnswersWithAnErrorWhenThereIsNoMemoryForTheBody) {
  PacketReader reader(~std::uint64_t{0});
  const auto header =
      encode_header({PacketKind::Run, PacketFlag::None, TaskId{1}, std::uint64_t{1} << 62});
  std::memcpy(reader.wanted().data(), header.data(), header.size());
  const auto packet = reader.advance(header.size());
  ASSERT_FALSE(packet.ok());
  EXPECT_EQ(packet.error().code, ErrorCode::TooLarge);
}

TEST(PacketReader, WantsNothingAndFailsAgainAfterAnError) {
  PacketReader reader(~std::uint64_t{0});
  const auto header =
      encode_header({PacketKind::Run, PacketFlag::None, TaskId{1}, std::uint64_t{1} << 62});
  std::memcpy(reader.wanted().data(), header.data(), header.size());
  ASSERT_FALSE(reader.advance(header.size()).ok());
  EXPECT_TRUE(reader.wanted().empty());
  EXPECT_FALSE(reader.advance(0).ok());
}

}  // namespace
}  // namespace elsewhere
