// A task in a node that is played: packets, then R's own answer, over a socket.
#include "engine/tasks/node_task.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

using namespace std::chrono_literals;

const std::string kTail = "X\nthe same few bytes";

std::string text_of(const Parcel& parcel) {
  std::string text(static_cast<std::size_t>(parcel.size_bytes()), '\0');
  EXPECT_TRUE(parcel.read(0, std::as_writable_bytes(std::span(text))).ok());
  return text;
}

Bytes bytes_of(const std::string& text) { return Bytes(std::as_bytes(std::span(text))); }

class NodeTaskTest : public testing::Test {
 protected:
  void SetUp() override {
    auto ends = socket_pair();
    ASSERT_TRUE(ends.ok()) << ends.error().message;
    node_ = std::move(ends.value().second);
    NodeLink::Spec spec;
    spec.name = "node 1";
    spec.reported_pid = 71;
    spec.tail_bytes = kTail.size();
    spec.sync_call = bytes_of("sync 00000000");
    link_ = std::make_shared<NodeLink>(std::move(ends.value().first), std::move(spec));
  }

  std::unique_ptr<NodeTask> start(std::optional<std::chrono::milliseconds> timeout = {}) {
    number_ = link_->next_number();
    return std::make_unique<NodeTask>(link_, timeout);
  }

  // What the node sends.
  void send(std::span<const std::byte> bytes) {
    const auto sent = send_some(node_.get(), bytes);
    ASSERT_TRUE(sent.ok()) << sent.error().message;
    ASSERT_EQ(sent.value().bytes, bytes.size());
  }
  void send(PacketKind kind, const std::string& body = "", PacketFlag flag = PacketFlag::None) {
    send(encode(Packet{kind, flag, number_, bytes_of(body)}).span());
  }
  void send_tail() { send(std::as_bytes(std::span(kTail))); }

  // What was sent may take a moment to arrive.
  template <class Condition>
  void look_until(NodeTask& task, Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      task.look();
      if (!condition()) (void)wait_ready(link_->fd(), Ready::Readable, 20ms);
    }
    EXPECT_TRUE(condition());
  }
  void look_until_settled(NodeTask& task) {
    look_until(task, [&] { return task.state() == TaskState::Settled; });
  }

  Fd node_;
  std::shared_ptr<NodeLink> link_;
  TaskId number_{0};
};

TEST_F(NodeTaskTest, HasTheValueThatComesBeforeTheAnswerOfItsNode) {
  auto task = start();
  send(PacketKind::Ready);
  send(PacketKind::Result, "forty-two");
  send_tail();
  look_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Value);
  EXPECT_EQ(text_of(task->outcome().value), "forty-two");
  EXPECT_EQ(task->outcome().pid, 71);
  EXPECT_EQ(link_->state(), NodeState::Idle);
}

TEST_F(NodeTaskTest, TakesEventsBeforeItsValueAndSettlesWhenTheNodeIsDone) {
  auto task = start();
  send(PacketKind::Ready);
  send(PacketKind::Event, "one");
  send(PacketKind::Event, "two");
  send(PacketKind::Result, "done");
  look_until(*task, [&] { return task->has_events(); });
  auto events = task->take_events();
  look_until(*task, [&] {
    for (auto& event : task->take_events()) events.push_back(std::move(event));
    return events.size() == 2;
  });
  EXPECT_EQ(text_of(events[0]), "one");
  EXPECT_EQ(text_of(events[1]), "two");
  EXPECT_EQ(task->state(), TaskState::Running);
  send_tail();
  look_until_settled(*task);
  EXPECT_EQ(text_of(task->outcome().value), "done");
}

TEST_F(NodeTaskTest, TellsWhyItsValueCannotTravel) {
  auto task = start();
  send(PacketKind::Result, "it holds a connection", PacketFlag::Failed);
  send_tail();
  look_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Unserializable);
  EXPECT_EQ(task->outcome().message, "it holds a connection");
}

TEST_F(NodeTaskTest, IsLostWhenItsNodeEnds) {
  auto task = start();
  node_.reset();
  look_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Lost);
  EXPECT_EQ(task->outcome().message, "node 1 has ended");
  EXPECT_EQ(link_->state(), NodeState::Lost);
}

TEST_F(NodeTaskTest, IsLostWhenItsNodeAnswersSomebodyElse) {
  auto task = start();
  send_tail();
  look_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Lost);
  EXPECT_NE(task->outcome().message.find("does other code use it"), std::string::npos);
}

TEST_F(NodeTaskTest, IsLostWhenBytesOfNobodysCome) {
  auto task = start();
  const std::string nonsense(kHeaderBytes, '?');
  send(std::as_bytes(std::span(nonsense)));
  look_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Lost);
}

TEST_F(NodeTaskTest, EndsWhenItsTimeIsOver) {
  auto task = start(0ms);
  task->look();
  EXPECT_EQ(task->outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(link_->state(), NodeState::Draining);
}

// The node may have read nothing yet, or be at work: it is idle once it has answered a
// question that was asked afterwards.
TEST_F(NodeTaskTest, ItsNodeIsIdleAgainOnceItHasSyncedAfterACancellation) {
  auto task = start();
  EXPECT_TRUE(task->cancel(0ms));
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Cancelled);
  EXPECT_FALSE(task->cancel(0ms));
  send(PacketKind::Result, "too late");
  send_tail();
  std::string asked;
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (asked.size() < 13 && std::chrono::steady_clock::now() < deadline) {
    link_->look();
    const auto ready = wait_ready(node_.get(), Ready::Readable, 20ms);
    if (!ready.ok() || !ready.value()) continue;
    std::array<char, 13> chunk;
    const auto got = receive_some(node_.get(), std::as_writable_bytes(std::span(chunk)));
    if (got.ok()) asked.append(chunk.data(), got.value().bytes);
  }
  EXPECT_EQ(asked, "sync 00000001");
  EXPECT_EQ(link_->state(), NodeState::Draining);
  number_ = TaskId{1};
  send(PacketKind::Synced);
  send_tail();
  while (link_->state() != NodeState::Idle && std::chrono::steady_clock::now() < deadline) {
    link_->look();
  }
  EXPECT_EQ(link_->state(), NodeState::Idle);
}

TEST_F(NodeTaskTest, ATaskThatNobodyHoldsLeavesItsNodeToBeDrained) {
  start().reset();
  EXPECT_EQ(link_->state(), NodeState::Draining);
}

}  // namespace
}  // namespace elsewhere
