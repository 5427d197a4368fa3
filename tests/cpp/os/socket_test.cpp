#include "engine/os/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <string_view>
#include <thread>

namespace elsewhere {
namespace {

using namespace std::chrono_literals;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// A connected pair and what the tests do with it.
class SocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pair = socket_pair();
    ASSERT_TRUE(pair.ok());
    ours = std::move(pair.value().first);
    theirs = std::move(pair.value().second);
  }

  std::string received(int fd) {
    std::array<std::byte, 64> into{};
    const auto got = receive_some(fd, into);
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.value().outcome, Transfer::Moved);
    return {reinterpret_cast<const char*>(into.data()), got.value().bytes};
  }

  Fd ours, theirs;
};

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

TEST_F(SocketTest, CarriesBytesBothWays) {
  ASSERT_TRUE(send_some(ours.get(), bytes_of("there")).ok());
  EXPECT_EQ(received(theirs.get()), "there");
  ASSERT_TRUE(send_some(theirs.get(), bytes_of("back")).ok());
  EXPECT_EQ(received(ours.get()), "back");
}

TEST_F(SocketTest, SendsHeadAndBodyAsOneStream) {
  const auto sent = send_some(ours.get(), bytes_of("head"), bytes_of("body"));
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent.value().bytes, 8u);
  EXPECT_EQ(received(theirs.get()), "headbody");
}

TEST_F(SocketTest, SaysWouldBlockInsteadOfWaiting) {
  std::array<std::byte, 8> into{};
  const auto got = receive_some(ours.get(), into);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value().outcome, Transfer::WouldBlock);

  const std::string much(1 << 16, 'x');
  auto outcome = Transfer::Moved;
  while (outcome == Transfer::Moved) {
    const auto sent = send_some(ours.get(), bytes_of(much));
    ASSERT_TRUE(sent.ok());
    outcome = sent.value().outcome;
  }
  EXPECT_EQ(outcome, Transfer::WouldBlock);
}

TEST_F(SocketTest, SaysClosedWhenThePeerIsGoneAndRaisesNoSignal) {
  theirs.reset();
  std::array<std::byte, 8> into{};
  const auto got = receive_some(ours.get(), into);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value().outcome, Transfer::Closed);
  const auto sent = send_some(ours.get(), bytes_of("x"));
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent.value().outcome, Transfer::Closed);
}

TEST_F(SocketTest, DeliversWhatWasSentBeforeThePeerWent) {
  ASSERT_TRUE(send_some(theirs.get(), bytes_of("last words")).ok());
  theirs.reset();
  EXPECT_EQ(received(ours.get()), "last words");
}

TEST_F(SocketTest, CarriesDescriptorsBesideBytes) {
  auto inner = socket_pair();
  ASSERT_TRUE(inner.ok());
  const int travelling = inner.value().second.get();
  ASSERT_TRUE(send_some_with_fds(ours.get(), bytes_of("x"), std::span(&travelling, 1)).ok());
  inner.value().second.reset();

  std::array<std::byte, 8> into{};
  std::vector<Fd> fds;
  const auto got = receive_some_with_fds(theirs.get(), into, fds);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value().bytes, 1u);
  ASSERT_EQ(fds.size(), 1u);
  EXPECT_TRUE(closes_on_exec(fds[0].get()));

  ASSERT_TRUE(send_some(inner.value().first.get(), bytes_of("through")).ok());
  EXPECT_EQ(received(fds[0].get()), "through");
}

TEST_F(SocketTest, ReceivesPlainBytesWhereDescriptorsMayCome) {
  ASSERT_TRUE(send_some(ours.get(), bytes_of("plain")).ok());
  std::array<std::byte, 8> into{};
  std::vector<Fd> fds;
  const auto got = receive_some_with_fds(theirs.get(), into, fds);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value().bytes, 5u);
  EXPECT_TRUE(fds.empty());
}

TEST_F(SocketTest, RefusesToSendMoreThanEightDescriptors) {
  const std::vector<int> many(9, ours.get());
  const auto sent = send_some_with_fds(ours.get(), bytes_of("x"), many);
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code, ErrorCode::BadArgument);
}

// A stream carries descriptors with a byte; without one they would never leave.
TEST_F(SocketTest, RefusesToSendDescriptorsWithoutAByte) {
  const int travelling = ours.get();
  const auto sent = send_some_with_fds(ours.get(), {}, std::span(&travelling, 1));
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code, ErrorCode::BadArgument);
}

TEST_F(SocketTest, WaitsUntilThereIsSomethingToRead) {
  const auto nothing = wait_ready(ours.get(), Ready::Readable, 0ms);
  ASSERT_TRUE(nothing.ok());
  EXPECT_FALSE(nothing.value());
  std::thread peer([&] { EXPECT_TRUE(send_some(theirs.get(), bytes_of("x")).ok()); });
  const auto ready = wait_ready(ours.get(), Ready::Readable, 60s);
  peer.join();
  ASSERT_TRUE(ready.ok());
  EXPECT_TRUE(ready.value());
}

TEST_F(SocketTest, WaitingEndsWhenThePeerGoes) {
  std::thread peer([&] { theirs.reset(); });
  const auto ready = wait_ready(ours.get(), Ready::Readable, 60s);
  peer.join();
  ASSERT_TRUE(ready.ok());
  EXPECT_TRUE(ready.value());
}

TEST_F(SocketTest, WaitingIsInterruptedByASignal) {
  struct sigaction action {};
  struct sigaction old {};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &old), 0);
  std::atomic<bool> is_over = false;
  // The signal may come before the wait begins, so it comes again and again.
  const auto waiting = ::pthread_self();
  std::thread peer([&] {
    while (!is_over) {
      ::pthread_kill(waiting, SIGUSR1);
      std::this_thread::yield();
    }
  });
  const auto ready = wait_ready(ours.get(), Ready::Readable, 60s);
  is_over = true;
  peer.join();
  ::sigaction(SIGUSR1, &old, nullptr);
  ASSERT_FALSE(ready.ok());
  EXPECT_EQ(ready.error().code, ErrorCode::Interrupted);
}

TEST_F(SocketTest, WaitingForADescriptorThatIsNotOpenIsAnError) {
  const int closed = theirs.get();
  theirs.reset();
  const auto ready = wait_ready(closed, Ready::Readable, 60s);
  ASSERT_FALSE(ready.ok());
  EXPECT_EQ(ready.error().code, ErrorCode::System);
}

TEST(WaitAny, MarksWhatIsReadyAndWhatIsBroken) {
  auto talking = socket_pair();
  auto silent = socket_pair();
  auto left = socket_pair();
  ASSERT_TRUE(send_some(talking.value().second.get(), bytes_of("x")).ok());
  left.value().second.reset();
  std::array<Awaited, 4> entries{{{talking.value().first.get()},
                                  {silent.value().first.get()},
                                  {left.value().first.get(), Ready::Broken},
                                  {-1}}};
  ASSERT_TRUE(wait_any(entries, 60s).value());
  EXPECT_TRUE(entries[0].is_ready && !entries[0].is_broken);
  EXPECT_FALSE(entries[1].is_ready);
  EXPECT_TRUE(entries[2].is_ready && entries[2].is_broken);
  EXPECT_FALSE(entries[3].is_ready);
}

TEST(WaitAny, EndsWithItsTimeWhenNothingIsReadyHoweverManyThereAre) {
  auto silent = socket_pair();
  // Only that its other end is gone would count, not what can be read.
  ASSERT_TRUE(send_some(silent.value().second.get(), bytes_of("x")).ok());
  std::vector<Awaited> entries(20, {silent.value().first.get(), Ready::Broken});
  EXPECT_FALSE(wait_any(entries, 1ms).value());
  silent.value().second.reset();
  EXPECT_TRUE(wait_any(entries, 60s).value());
  EXPECT_TRUE(entries[19].is_broken);
}

TEST(Fd, ClosesItsDescriptorOnce) {
  auto pair = socket_pair();
  ASSERT_TRUE(pair.ok());
  const int number = pair.value().first.get();
  Fd moved = std::move(pair.value().first);
  EXPECT_FALSE(pair.value().first);  // NOLINT(bugprone-use-after-move): this is the promise
  EXPECT_TRUE(is_open(number));
  moved.reset();
  EXPECT_FALSE(is_open(number));
  EXPECT_FALSE(moved);
}

TEST(Fd, ReleaseGivesTheDescriptorAway) {
  auto pair = socket_pair();
  ASSERT_TRUE(pair.ok());
  const int number = pair.value().first.release();
  EXPECT_FALSE(pair.value().first);
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(SocketPair, IsNotInheritedByPrograms) {
  const auto pair = socket_pair();
  ASSERT_TRUE(pair.ok());
  EXPECT_TRUE(closes_on_exec(pair.value().first.get()));
  EXPECT_TRUE(closes_on_exec(pair.value().second.get()));
  const auto copy = duplicate(pair.value().first.get());
  ASSERT_TRUE(copy.ok());
  EXPECT_TRUE(closes_on_exec(copy.value().get()));
}

TEST_F(SocketTest, WaitsUntilAnyOfSeveralCanBeRead) {
  std::array<int, 2> quiet{};
  ASSERT_EQ(::pipe(quiet.data()), 0);
  std::array<int, 2> spoken{};
  ASSERT_EQ(::pipe(spoken.data()), 0);
  const std::array fds{quiet[0], spoken[0]};
  EXPECT_FALSE(wait_any_readable(fds, 0ms).value());
  ASSERT_EQ(::write(spoken[1], "x", 1), 1);
  EXPECT_TRUE(wait_any_readable(fds, 60s).value());
  for (const int fd : {quiet[0], quiet[1], spoken[0], spoken[1]}) ::close(fd);
}

}  // namespace
}  // namespace elsewhere
