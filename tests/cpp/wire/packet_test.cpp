#include "engine/wire/packet.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace elsewhere {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> out;
  for (const auto value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

Bytes body(std::string_view text) {
  return Bytes(std::as_bytes(std::span(text.data(), text.size())));
}

std::vector<std::byte> copy(std::span<const std::byte> source) {
  return {source.begin(), source.end()};
}

// One packet, byte by byte, as docs/wire-protocol.md lays it out.
const auto kHello = bytes({
    'E',  'L',  'S',  'W',                           // magic
    0x01, 0x00,                                      // version 1
    0x25, 0x00,                                      // kind 5 (result), flag 1 (failed)
    0x2a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80,  // task 0x800000000000002a
    0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // two bytes of body
    'h',  'i',
});
constexpr TaskId kHelloTask{0x800000000000002aULL};

std::vector<std::byte> hello_with(std::size_t offset, unsigned value) {
  auto changed = kHello;
  changed[offset] = static_cast<std::byte>(value);
  return changed;
}

TEST(PacketEncode, WritesTheDocumentedBytes) {
  const Packet packet{PacketKind::Result, PacketFlag::Failed, kHelloTask, body("hi")};
  EXPECT_EQ(copy(encode(packet).span()), kHello);
}

TEST(PacketDecode, ReadsTheDocumentedBytes) {
  const auto decoded = decode(kHello);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_TRUE(decoded.value().has_value());
  const auto& [packet, consumed] = *decoded.value();
  EXPECT_EQ(packet.kind, PacketKind::Result);
  EXPECT_EQ(packet.flag, PacketFlag::Failed);
  EXPECT_EQ(packet.task, kHelloTask);
  EXPECT_EQ(copy(packet.body.span()), bytes({'h', 'i'}));
  EXPECT_EQ(consumed, kHello.size());
}

TEST(PacketDecode, AsksForMoreUntilTheLastByteIsThere) {
  for (std::size_t n = 0; n < kHello.size(); ++n) {
    const auto decoded = decode(std::span(kHello).first(n));
    ASSERT_TRUE(decoded.ok()) << "after " << n << " bytes";
    EXPECT_FALSE(decoded.value().has_value()) << "after " << n << " bytes";
  }
}

TEST(PacketDecode, TakesTheFirstOfTwoPacketsAndSaysWhereTheNextBegins) {
  auto two = kHello;
  two.insert(two.end(), kHello.begin(), kHello.end());
  const auto decoded = decode(two);
  ASSERT_TRUE(decoded.ok() && decoded.value());
  EXPECT_EQ(decoded.value()->consumed_bytes, kHello.size());
}

TEST(PacketDecode, KnowsEveryKindAndFlag) {
  for (unsigned kind = 1; kind <= 10; ++kind) {
    for (unsigned flag = 0; flag <= 5; ++flag) {
      const Packet packet{static_cast<PacketKind>(kind), static_cast<PacketFlag>(flag), kNoTask,
                          body("x")};
      const auto decoded = decode(encode(packet).span());
      ASSERT_TRUE(decoded.ok() && decoded.value()) << "kind " << kind << " flag " << flag;
      EXPECT_EQ(decoded.value()->packet.kind, packet.kind);
      EXPECT_EQ(decoded.value()->packet.flag, packet.flag);
    }
  }
}

TEST(PacketDecode, AcceptsAnEmptyBody) {
  const auto decoded = decode(encode({PacketKind::Run, PacketFlag::None, TaskId{1}, {}}).span());
  ASSERT_TRUE(decoded.ok() && decoded.value());
  EXPECT_TRUE(decoded.value()->packet.body.empty());
}

TEST(PacketDecode, RefusesBytesThatAreNotOurs) {
  for (std::size_t i = 0; i < 4; ++i) {
    const auto decoded = decode(hello_with(i, 0));
    ASSERT_FALSE(decoded.ok()) << "byte " << i;
    EXPECT_EQ(decoded.error().code, ErrorCode::Protocol);
  }
}

TEST(PacketDecode, NamesBothVersionsWhenTheyDiffer) {
  const auto decoded = decode(hello_with(4, 7));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, ErrorCode::Protocol);
  EXPECT_NE(decoded.error().message.find("version 7"), std::string::npos);
  EXPECT_NE(decoded.error().message.find("version 1"), std::string::npos);
}

TEST(PacketDecode, RefusesAnUnknownKindOrFlag) {
  EXPECT_FALSE(decode(hello_with(6, 0x00)).ok());  // kind 0
  EXPECT_FALSE(decode(hello_with(6, 0x1f)).ok());  // kind 31
  EXPECT_FALSE(decode(hello_with(6, 0xc5)).ok());  // kind 5, flag 6
  EXPECT_FALSE(decode(hello_with(7, 0xff)).ok());  // the highest flags
}

TEST(PacketDecode, RefusesABodyOverTheLimitBeforeItArrives) {
  const Bytes packet = encode({PacketKind::Run, PacketFlag::None, TaskId{1}, Bytes(11)});
  EXPECT_TRUE(decode(packet.span(), 11).ok());
  const auto decoded = decode(packet.span().first(kHeaderBytes), 10);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, ErrorCode::TooLarge);
  EXPECT_NE(decoded.error().message.find("11 bytes"), std::string::npos);
  EXPECT_NE(decoded.error().message.find("10 bytes"), std::string::npos);
}

TEST(PacketDecode, RefusesALengthNoMachineHas) {
  const auto decoded = decode(hello_with(23, 0xff));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, ErrorCode::TooLarge);
}

// Whatever limit the caller has: the sizes that follow from it must fit a size_t.
TEST(PacketDecode, RefusesALengthThatNoProcessCanHold) {
  const auto header = encode_header({PacketKind::Run, PacketFlag::None, TaskId{1}, SIZE_MAX});
  const auto decoded = decode_header(header, UINT64_MAX);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, ErrorCode::TooLarge);
}

TEST(PacketHeader, CarriesALengthOverFourGigabytes) {
  if (sizeof(std::size_t) < 8) GTEST_SKIP() << "a process of 32 bits cannot hold that much";
  const auto five_gigabytes = std::uint64_t{5} << 30;
  const auto header =
      decode_header(encode_header({PacketKind::Run, PacketFlag::None, TaskId{1}, five_gigabytes}));
  ASSERT_TRUE(header.ok() && header.value());
  EXPECT_EQ(header.value()->body_bytes, five_gigabytes);
}

}  // namespace
}  // namespace elsewhere
