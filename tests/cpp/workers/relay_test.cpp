#include "engine/workers/relay.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "engine/os/process_facts.h"
#include "engine/os/socket.h"
#include "engine/wire/greeting.h"
#include "engine/wire/nursery_body.h"

namespace elsewhere {
namespace {

constexpr std::chrono::seconds kDeadline{60};
const std::string kHello = encode(Greeting{1, "test"});

// A worker process, a relay in a thread before it, and the owner's end of what
// leads there: one socket for both directions, as ssh has it.
class RelayTest : public testing::Test {
 protected:
  void SetUp() override {
    auto far = socket_pair();
    auto near = socket_pair();
    ASSERT_TRUE(far.ok() && near.ok());
    auto worker = spawn({FAKE_WORKER, {}, current_environment(), {{3, near.value().second.get()}}});
    ASSERT_TRUE(worker.ok());
    near.value().second.reset();
    pid_ = worker.value().pid;
    owner_.emplace(std::move(far.value().first));
    auto out = duplicate(far.value().second.get());
    relay_ = std::thread([this, in = std::move(far.value().second), out = std::move(out.value()),
                          channel = std::move(near.value().first),
                          process = std::move(worker.value())]() mutable {
      Relay relay(std::move(in), std::move(out), std::move(channel), std::move(process));
      status_ = relay.run(kHello);
    });
    expect_greeting();
  }
  void TearDown() override {
    owner_.reset();
    if (relay_.joinable()) relay_.join();
  }

  void expect_greeting() {
    std::string heard(kHello.size(), '\0');
    std::size_t got = 0;
    while (got < heard.size()) {
      ASSERT_TRUE(wait_ready(owner_->fd(), Ready::Readable, kDeadline).value());
      const auto moved =
          receive_some(owner_->fd(), std::as_writable_bytes(std::span(heard)).subspan(got));
      got += moved.value().bytes;
    }
    EXPECT_EQ(heard, kHello);
  }
  void send(PacketKind kind, TaskId task, std::span<const std::byte> body) {
    ASSERT_TRUE(owner_->send({kind, PacketFlag::None, task, body.size()}, Bytes(body)).ok());
    ASSERT_TRUE(owner_->wait_sent(deadline_in(std::chrono::milliseconds(kDeadline))).value());
  }
  void send(PacketKind kind, TaskId task, const std::string& body) {
    send(kind, task, std::as_bytes(std::span(body)));
  }
  void interrupt(TaskId task) {
    const Bytes body = encode(SignalBody{SIGINT});
    send(PacketKind::Signal, task, body.span());
  }
  // The next packet, of whichever kind; the test ends where none comes.
  Packet next() {
    auto packet = owner_->wait_packet(deadline_in(std::chrono::milliseconds(kDeadline)));
    EXPECT_TRUE(packet.ok() && packet.value().has_value());
    return std::move(packet.value().value());
  }
  // The next packet of the worker, and what was told of its process before.
  Packet heard() {
    for (;;) {
      Packet packet = next();
      if (packet.kind != PacketKind::Vitals) return packet;
      vitals_.push_back(decode_vitals(packet.body.span()).value());
    }
  }
  static std::string text_of(const Packet& packet) {
    return {reinterpret_cast<const char*>(packet.body.data()), packet.body.size()};
  }
  void start() {
    send(PacketKind::Setup, kNoTask, std::string());
    EXPECT_EQ(heard().kind, PacketKind::Ready);
  }

  pid_t pid_ = -1;
  int status_ = -1;
  std::vector<VitalsBody> vitals_;
  std::optional<Channel> owner_;
  std::thread relay_;
};

TEST_F(RelayTest, PacketsGoBothWays) {
  start();
  send(PacketKind::Run, TaskId{7}, "echo:hello");
  const Packet result = heard();
  EXPECT_EQ(result.kind, PacketKind::Result);
  EXPECT_EQ(result.task, TaskId{7});
  EXPECT_EQ(text_of(result), "hello");
}

TEST_F(RelayTest, WhatTheWorkerHasInMemoryIsToldBeforeItAnswers) {
  start();
  ASSERT_EQ(vitals_.size(), 1U);
  // Nothing, where the system does not tell.
  EXPECT_EQ(vitals_[0].resident_bytes > 0, resident_bytes(this_process()) > 0);
  EXPECT_EQ(vitals_[0].is_stopped, 0U);
  send(PacketKind::Run, TaskId{1}, "echo:");
  (void)heard();
  EXPECT_EQ(vitals_.size(), 2U);
}

TEST_F(RelayTest, ABusyWorkerThatIsStoppedOrGoesOnIsTold) {
  start();
  send(PacketKind::Run, TaskId{1}, "wait:");
  for (const int signal : {SIGSTOP, SIGCONT}) {
    ASSERT_EQ(::kill(pid_, signal), 0);
    const Packet told = next();
    ASSERT_EQ(told.kind, PacketKind::Vitals);
    EXPECT_EQ(decode_vitals(told.body.span()).value().is_stopped, signal == SIGSTOP ? 1U : 0U);
  }
  interrupt(TaskId{1});
  EXPECT_EQ(text_of(heard()), "interrupted");
}

TEST_F(RelayTest, AnInterruptHitsTheTaskItIsMeantFor) {
  start();
  send(PacketKind::Run, TaskId{1}, "wait:");
  interrupt(TaskId{1});
  EXPECT_EQ(text_of(heard()), "interrupted");
  // One that comes too late hits nothing.
  interrupt(TaskId{1});
  send(PacketKind::Run, TaskId{2}, "echo:fine");
  EXPECT_EQ(text_of(heard()), "fine");
}

TEST_F(RelayTest, HowTheWorkerEndedIsTold) {
  start();
  send(PacketKind::Run, TaskId{1}, "die:9");
  const Packet exited = heard();
  ASSERT_EQ(exited.kind, PacketKind::Exited);
  const auto body = decode_exited(exited.body.span());
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->signal, 9);
  relay_.join();
  EXPECT_EQ(status_, 128 + 9);
}

TEST_F(RelayTest, AnOwnerWhoLeavesTakesABusyWorkerAlong) {
  start();
  send(PacketKind::Run, TaskId{1}, "stubborn:");
  owner_.reset();
  relay_.join();
  EXPECT_EQ(::kill(pid_, 0), -1);
}

TEST_F(RelayTest, BytesThatAreNoPacketEndIt) {
  start();
  const std::string garbage(64, 'x');
  (void)send_some(owner_->fd(), std::as_bytes(std::span(garbage)));
  relay_.join();
  EXPECT_EQ(::kill(pid_, 0), -1);
}

TEST(PacketOut, SendsTheBytesOfASegmentInFull) {
  ParcelWriter writer;
  std::string text(3 << 20, 'a');
  for (std::size_t i = 0; i < text.size(); i += 1000) text[i] = static_cast<char>('a' + i % 23);
  ASSERT_TRUE(writer.append(std::as_bytes(std::span(text))).ok());
  auto parcel = std::make_shared<const Parcel>(std::move(writer.finish().value()));
  ASSERT_TRUE(parcel->segment().has_value());
  PacketOut out(PacketKind::Run, PacketFlag::None, TaskId{5}, parcel);
  Bytes all;
  for (;;) {
    const auto piece = out.next();
    ASSERT_TRUE(piece.ok());
    if (piece.value().empty()) break;
    const auto some = piece.value().first(std::min<std::size_t>(piece.value().size(), 100'001));
    all.append(some);
    out.advance(some.size());
  }
  const auto decoded = decode(all.span());
  ASSERT_TRUE(decoded.ok() && decoded.value().has_value());
  const Packet& packet = decoded.value()->packet;
  EXPECT_EQ(packet.flag, PacketFlag::None);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(packet.body.data()), packet.body.size()),
            text);
}

}  // namespace
}  // namespace elsewhere
