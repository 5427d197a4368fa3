// The sockets of others: those that R's connections own and do not name.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

using std::chrono::seconds;

sockaddr_storage loopback(int family) {
  sockaddr_storage address{};
  if (family == AF_INET) {
    auto& four = reinterpret_cast<sockaddr_in&>(address);
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    auto& six = reinterpret_cast<sockaddr_in6&>(address);
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
  }
  return address;
}

// A socket that listens, and one connection through it; all three ends are here.
class QuietSockets : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    auto address = loopback(GetParam());
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    listening = Fd(::socket(GetParam(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listening || ::bind(listening.get(), generic, size) != 0) {
      GTEST_SKIP() << "this machine has no such address";
    }
    ASSERT_EQ(::listen(listening.get(), 1), 0);
    ASSERT_EQ(::getsockname(listening.get(), generic, &size), 0);
    port = ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
    connected = Fd(::socket(GetParam(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(connected.get(), generic, size), 0);
    accepted = Fd(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(static_cast<bool>(accepted));
  }

  bool finds(const Fd& fd, PortOf end) const {
    const auto found = quiet_tcp_sockets(port, end);
    return std::find(found.begin(), found.end(), fd.get()) != found.end();
  }

  Fd listening, connected, accepted;
  std::uint16_t port = 0;
};

TEST_P(QuietSockets, AreFoundByThePortOfTheirPeer) {
  EXPECT_EQ(quiet_tcp_sockets(port, PortOf::Peer), std::vector{connected.get()});
}

TEST_P(QuietSockets, AreFoundByTheirOwnPortIfTheyWereAccepted) {
  EXPECT_EQ(quiet_tcp_sockets(port, PortOf::Own), std::vector{accepted.get()});
}

TEST_P(QuietSockets, AreFoundWhileTheyListenAtAnyPort) {
  EXPECT_TRUE(finds(listening, PortOf::Listening));
  EXPECT_FALSE(finds(connected, PortOf::Listening));
  EXPECT_FALSE(finds(accepted, PortOf::Listening));
}

TEST_P(QuietSockets, AreNotThoseThatCanBeRead) {
  ASSERT_EQ(::write(accepted.get(), "x", 1), 1);
  ASSERT_TRUE(wait_ready(connected.get(), Ready::Readable, seconds(60)).value());
  EXPECT_FALSE(finds(connected, PortOf::Peer));
  char byte;
  ASSERT_EQ(::read(connected.get(), &byte, 1), 1);
  EXPECT_TRUE(finds(connected, PortOf::Peer));
}

TEST_P(QuietSockets, AreNotThoseWhosePeerIsGone) {
  accepted.reset();
  ASSERT_TRUE(wait_ready(connected.get(), Ready::Readable, seconds(60)).value());
  EXPECT_FALSE(finds(connected, PortOf::Peer));
}

TEST_P(QuietSockets, DoNotListenQuietlyWhenSomebodyConnects) {
  auto address = loopback(GetParam());
  reinterpret_cast<sockaddr_in&>(address).sin_port = htons(port);
  const Fd next(::socket(GetParam(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(next.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_TRUE(wait_ready(listening.get(), Ready::Readable, seconds(60)).value());
  EXPECT_FALSE(finds(listening, PortOf::Listening));
}

TEST_P(QuietSockets, AreNoneOfAnotherKind) {
  const auto pair = socket_pair();
  for (const PortOf end : {PortOf::Peer, PortOf::Own, PortOf::Listening}) {
    EXPECT_FALSE(finds(pair.value().first, end));
  }
  EXPECT_TRUE(quiet_tcp_sockets(0, PortOf::Own).empty());
}

TEST_P(QuietSockets, SendSmallPiecesAtOnceWhenTold) {
  send_without_delay(connected.get());
  int is_on = 0;
  socklen_t size = sizeof is_on;
  ASSERT_EQ(::getsockopt(connected.get(), IPPROTO_TCP, TCP_NODELAY, &is_on, &size), 0);
  EXPECT_NE(is_on, 0);
}

INSTANTIATE_TEST_SUITE_P(Families, QuietSockets, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) { return family.param == AF_INET ? "V4" : "V6"; });

TEST(UnreadBytes, AreThoseThatTheOtherEndHasNotRead) {
  const auto pair = socket_pair();
  const auto& [near, far] = pair.value();
  EXPECT_EQ(unread_bytes(near.get()), 0u);
  ASSERT_EQ(::write(near.get(), "bytes", 5), 5);
  EXPECT_GT(unread_bytes(near.get()), 0u);
  char bytes[5];
  ASSERT_EQ(::read(far.get(), bytes, 5), 5);
  EXPECT_EQ(unread_bytes(near.get()), 0u);
}

}  // namespace
}  // namespace elsewhere
