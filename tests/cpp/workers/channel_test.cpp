#include "engine/workers/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLarge = 20'000'000;

struct Pair {
  Channel near;
  Channel far;
};

Pair connected() {
  auto ends = socket_pair();
  return {Channel(std::move(ends.value().first)), Channel(std::move(ends.value().second))};
}

Bytes bytes_of(std::size_t size, unsigned char fill = 7) {
  Bytes bytes(size);
  if (size > 0) std::memset(bytes.data(), fill, size);
  return bytes;
}

PacketHeader run_header(std::uint64_t task, std::size_t size) {
  return {PacketKind::Run, PacketFlag::None, TaskId{task}, size};
}

Status send(Channel& channel, std::uint64_t task, std::size_t size) {
  return channel.send(run_header(task, size), bytes_of(size));
}

TEST(Channel, DeliversPacketsInOrder) {
  auto [near, far] = connected();
  for (std::size_t task = 1; task <= 3; ++task) ASSERT_TRUE(send(near, task, task * 10).ok());
  for (std::uint64_t task = 1; task <= 3; ++task) {
    auto packet = far.take_packet();
    ASSERT_TRUE(packet.ok() && packet.value());
    EXPECT_EQ(packet.value()->task, TaskId{task});
    EXPECT_EQ(packet.value()->body.size(), task * 10);
  }
  EXPECT_FALSE(far.take_packet().value());
}

TEST(Channel, LeavesTheNextPacketInTheKernel) {
  auto [near, far] = connected();
  ASSERT_TRUE(send(near, 1, 10).ok());
  ASSERT_TRUE(send(near, 2, 10).ok());
  ASSERT_TRUE(far.take_packet().value());
  EXPECT_TRUE(wait_ready(far.fd(), Ready::Readable, milliseconds(0)).value());
  ASSERT_TRUE(far.take_packet().value());
  EXPECT_FALSE(wait_ready(far.fd(), Ready::Readable, milliseconds(0)).value());
}

TEST(Channel, KeepsWhatDoesNotGoAtOnceAndSendsItLater) {
  auto [near, far] = connected();
  ASSERT_TRUE(send(near, 1, kLarge).ok());
  EXPECT_FALSE(near.is_all_sent());
  std::thread reader([&far = far] {
    auto packet = far.wait_packet({});
    ASSERT_TRUE(packet.ok() && packet.value());
    EXPECT_EQ(packet.value()->body.size(), kLarge);
    EXPECT_EQ(packet.value()->body.data()[kLarge - 1], std::byte{7});
  });
  EXPECT_TRUE(near.wait_sent({}).value());
  reader.join();
}

TEST(Channel, TwoEndsThatSendAtTheSameTimeDoNotWaitForEachOther) {
  auto [near, far] = connected();
  ASSERT_TRUE(send(near, 1, kLarge).ok());
  ASSERT_TRUE(send(far, 2, kLarge).ok());
  std::thread other([&far = far] {
    EXPECT_TRUE(far.wait_sent({}).value());
    auto packet = far.wait_packet({});
    EXPECT_EQ(packet.value()->task, TaskId{1});
  });
  EXPECT_TRUE(near.wait_sent({}).value());
  auto packet = near.wait_packet({});
  EXPECT_EQ(packet.value()->task, TaskId{2});
  EXPECT_EQ(packet.value()->body.size(), kLarge);
  other.join();
}

TEST(Channel, SaysThatAPacketCameWhileItWasSending) {
  auto [near, far] = connected();
  ASSERT_TRUE(send(far, 5, 10).ok());
  ASSERT_TRUE(send(near, 1, kLarge).ok());
  EXPECT_FALSE(near.wait_sent(deadline_in(milliseconds(20))).value());
  EXPECT_TRUE(near.has_waiting_packet());
  EXPECT_EQ(near.take_packet().value()->task, TaskId{5});
  EXPECT_FALSE(near.has_waiting_packet());
}

TEST(Channel, HandsOverTheDescriptorsOfThePacketTakenLast) {
  auto [near, far] = connected();
  auto marks = socket_pair();
  const int first = marks.value().first.get(), second = marks.value().second.get();
  ASSERT_TRUE(far.send(run_header(1, 10), bytes_of(10), {first}).ok());
  ASSERT_TRUE(far.send(run_header(2, 10), bytes_of(10), {first, second}).ok());
  ASSERT_TRUE(far.send(run_header(3, 10), bytes_of(10)).ok());
  // Taken in while sending, all at once.
  ASSERT_TRUE(send(near, 1, kLarge).ok());
  EXPECT_FALSE(near.wait_sent(deadline_in(milliseconds(20))).value());
  for (const std::size_t count : {1u, 2u, 0u}) {
    ASSERT_TRUE(near.take_packet().value());
    EXPECT_EQ(near.take_fds().size(), count);
  }
  ASSERT_TRUE(far.send(run_header(4, 10), bytes_of(10), {first}).ok());
  ASSERT_TRUE(far.send(run_header(5, 10), bytes_of(10), {second}).ok());
  // What is not asked for is closed with the next packet.
  ASSERT_TRUE(near.take_packet().value());
  ASSERT_TRUE(near.take_packet().value());
  EXPECT_EQ(near.take_fds().size(), 1u);
}

TEST(Channel, AWaitEndsWithItsTime) {
  auto [near, far] = connected();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(near.wait_packet(deadline_in(milliseconds(30))).value());
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
}

TEST(Channel, ReadsWhatWasSentBeforeTheEnd) {
  auto [near, far] = connected();
  ASSERT_TRUE(send(far, 1, 10).ok());
  far.close();
  EXPECT_TRUE(near.take_packet().value());
  auto end = near.take_packet();
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, ErrorCode::Closed);
  EXPECT_EQ(send(near, 1, 10).error().code, ErrorCode::Closed);
}

TEST(Channel, IsInsideAPacketBetweenItsBytes) {
  auto ends = socket_pair();
  Channel near(std::move(ends.value().first));
  const Packet packet{PacketKind::Run, PacketFlag::None, TaskId{3}, bytes_of(10)};
  const Bytes encoded = encode(packet);
  const int fd = ends.value().second.get();
  for (std::size_t i = 0; i + 1 < encoded.size(); ++i) {
    ASSERT_EQ(::send(fd, encoded.data() + i, 1, 0), 1);
    ASSERT_FALSE(near.take_packet().value()) << "after " << i + 1 << " bytes";
    EXPECT_GT(near.arrived_bytes(), 0U);
  }
  ASSERT_EQ(::send(fd, encoded.data() + encoded.size() - 1, 1, 0), 1);
  EXPECT_EQ(near.take_packet().value()->task, TaskId{3});
  EXPECT_EQ(near.arrived_bytes(), 0U);
}

TEST(Channel, RefusesBytesThatAreNoPacket) {
  auto ends = socket_pair();
  Channel near(std::move(ends.value().first));
  const std::vector<char> noise(kHeaderBytes, 'x');
  ASSERT_EQ(::send(ends.value().second.get(), noise.data(), noise.size(), 0),
            static_cast<ssize_t>(noise.size()));
  auto packet = near.take_packet();
  ASSERT_FALSE(packet.ok());
  EXPECT_EQ(packet.error().code, ErrorCode::Protocol);
}

TEST(Channel, CarriesDescriptors) {
  auto [near, far] = connected();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_TRUE(
      near.send({PacketKind::Ready, PacketFlag::HasFds, kNoTask, 5}, bytes_of(5), {ends[1]}).ok());
  ::close(ends[1]);
  ASSERT_TRUE(far.take_packet().value());
  auto fds = far.take_fds();
  ASSERT_EQ(fds.size(), 1u);
  ASSERT_EQ(::write(fds[0].get(), "y", 1), 1);
  char got = 0;
  EXPECT_EQ(::read(ends[0], &got, 1), 1);
  EXPECT_EQ(got, 'y');
  EXPECT_TRUE(far.take_fds().empty());
  ::close(ends[0]);
}

TEST(Channel, LookingFindsWhatIsThereAndGivesUpInTime) {
  auto [near, far] = connected();
  EXPECT_FALSE(near.look_for(std::chrono::microseconds(50)));
  ASSERT_TRUE(send(far, 1, 1).ok());
  EXPECT_TRUE(near.look_for(std::chrono::microseconds(50)));
  far.close();
  EXPECT_TRUE(near.look_for(std::chrono::microseconds(50)));
}

}  // namespace
}  // namespace elsewhere
