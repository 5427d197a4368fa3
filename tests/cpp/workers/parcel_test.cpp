#include "engine/workers/parcel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

std::vector<std::byte> numbered(std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::uint32_t state = 1;
  for (auto& byte : bytes) byte = static_cast<std::byte>((state = state * 1664525u + 1) >> 24);
  return bytes;
}

Parcel written(const std::vector<std::byte>& bytes, std::size_t piece) {
  ParcelWriter writer;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    EXPECT_TRUE(
        writer.append(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at))).ok());
  }
  return std::move(writer.finish().value());
}

std::vector<std::byte> read_back(const Parcel& parcel, std::size_t piece) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(parcel.size_bytes()));
  ParcelReader reader(parcel);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    EXPECT_TRUE(reader.read(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at))).ok());
  }
  return bytes;
}

TEST(Parcel, GivesBackWhatWasWrittenInPiecesOfAnySize) {
  for (const std::size_t size : {0u, 1u, 1000u, 524288u, 3000001u}) {
    const auto bytes = numbered(size);
    for (const std::size_t piece : {7u, 4096u, 70000u, 5000000u}) {
      const Parcel parcel = written(bytes, piece);
      ASSERT_EQ(parcel.size_bytes(), size);
      for (const std::size_t step : {13u, 65536u, 4000000u}) {
        ASSERT_EQ(read_back(parcel, step), bytes) << size << " by " << piece << ", " << step;
      }
    }
  }
}

TEST(Parcel, TakesASegmentWhenItIsLargeAndOnlyThen) {
  EXPECT_FALSE(written(numbered(1000), 100).segment().has_value());
  EXPECT_TRUE(written(numbered(1 << 20), 100).segment().has_value());
}

TEST(Parcel, TravelsAsTheDescriptorOfItsSegment) {
  const auto bytes = numbered(2 << 20);
  const Parcel sent = written(bytes, 65536);
  std::vector<Fd> descriptors;
  descriptors.push_back(std::move(duplicate(sent.segment()->fd_to_send()).value()));
  Packet packet{PacketKind::Run, sent.flag(), TaskId{1}, Bytes(sent.body())};
  EXPECT_LT(packet.body.size(), 100u);
  const auto received = Parcel::unpack(std::move(packet), std::move(descriptors));
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(read_back(received.value(), 10000), bytes);
}

TEST(Parcel, WithoutItsDescriptorIsAnError) {
  const Parcel sent = written(numbered(2 << 20), 65536);
  const auto received =
      Parcel::unpack({PacketKind::Run, sent.flag(), TaskId{1}, Bytes(sent.body())}, {});
  EXPECT_EQ(received.error().code, ErrorCode::Protocol);
}

TEST(Parcel, ReadPastItsEndIsAnError) {
  for (const std::size_t size : {10u, 1u << 20}) {
    const Parcel parcel = written(numbered(size), 1000);
    std::vector<std::byte> into(size + 1);
    EXPECT_FALSE(ParcelReader(parcel).read(into).ok());
  }
}

TEST(Parcel, IsCopiedWhereManySegmentsAreOpen) {
  const auto bytes = numbered(200000);
  std::vector<Parcel> held;
  for (int i = 0; i < 200; ++i) {
    const Parcel sent = written(bytes, 65536);
    std::vector<Fd> descriptors;
    if (sent.segment())
      descriptors.push_back(std::move(duplicate(sent.segment()->fd_to_send()).value()));
    auto received = Parcel::unpack({PacketKind::Result, sent.flag(), TaskId{1}, Bytes(sent.body())},
                                   std::move(descriptors));
    ASSERT_TRUE(received.ok());
    held.push_back(std::move(received.value()));
  }
  const auto open = std::count_if(held.begin(), held.end(),
                                  [](const Parcel& one) { return one.segment().has_value(); });
  EXPECT_GT(open, 0);
  EXPECT_LT(open, 100);
  for (const Parcel& one : held) ASSERT_EQ(read_back(one, 10000), bytes);
}

TEST(Parcel, StaysInMemoryWhenThereAreTooManySegments) {
  std::vector<Segment> held;
  while (auto segment = Segment::open()) held.push_back(std::move(*segment));
  EXPECT_GE(held.size(), 64u);
  const auto bytes = numbered(1 << 20);
  const Parcel parcel = written(bytes, 65536);
  EXPECT_FALSE(parcel.segment().has_value());
  EXPECT_EQ(read_back(parcel, 65536), bytes);
}

}  // namespace
}  // namespace elsewhere
