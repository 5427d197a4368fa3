#include "engine/workers/session_link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "engine/os/memory_file.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

struct Ends {
  SessionLink link;
  Channel worker;
};

Ends connected() {
  auto ends = socket_pair();
  return {SessionLink(std::move(ends.value().first)), Channel(std::move(ends.value().second))};
}

void reply(Channel& worker, PacketKind kind, TaskId task) {
  ASSERT_TRUE(worker.send({kind, PacketFlag::None, task, 0}, {}).ok());
}

TEST(SessionLink, IsRunningFromTheStartToTheResult) {
  auto [link, worker] = connected();
  EXPECT_FALSE(link.is_running());
  ASSERT_TRUE(link.start(Parcel()).ok());
  EXPECT_TRUE(link.is_running());
  const TaskId task = worker.take_packet().value()->task;
  reply(worker, PacketKind::Event, task);
  EXPECT_EQ(link.take().value()->kind, PacketKind::Event);
  EXPECT_TRUE(link.is_running());
  reply(worker, PacketKind::Result, task);
  EXPECT_EQ(link.take().value()->kind, PacketKind::Result);
  EXPECT_FALSE(link.is_running());
}

TEST(SessionLink, DropsWhatBelongsToAnotherTask) {
  auto [link, worker] = connected();
  ASSERT_TRUE(link.start(Parcel()).ok());
  const TaskId task = worker.take_packet().value()->task;
  reply(worker, PacketKind::Event, TaskId{999});
  reply(worker, PacketKind::Result, TaskId{999});
  reply(worker, PacketKind::Result, task);
  EXPECT_EQ(link.take().value()->task, task);
  EXPECT_FALSE(link.take().value());
}

TEST(SessionLink, TakesOnlyTheLastSync) {
  auto [link, worker] = connected();
  ASSERT_TRUE(link.sync().ok());
  ASSERT_TRUE(link.sync().ok());
  const TaskId first = worker.take_packet().value()->task;
  const TaskId second = worker.take_packet().value()->task;
  reply(worker, PacketKind::Synced, first);
  reply(worker, PacketKind::Synced, second);
  EXPECT_EQ(link.take().value()->task, second);
}

TEST(SessionLink, ReadsTheFilesThatCameWithReady) {
  auto [link, worker] = connected();
  link.keep_in_memory(false, true);
  auto made = memory_file("test");
  ASSERT_TRUE(made.ok());
  const Fd file = std::move(made.value());
  ASSERT_TRUE(
      worker.send({PacketKind::Ready, PacketFlag::HasFds, kNoTask, 0}, {}, {file.get()}).ok());
  EXPECT_EQ(link.take().value()->kind, PacketKind::Ready);
  EXPECT_FALSE(link.has_printed(SessionLink::Stream::Error));
  ASSERT_EQ(::write(file.get(), "words", 5), 5);
  EXPECT_EQ(link.printed(SessionLink::Stream::Error), "words");
  EXPECT_EQ(link.printed(SessionLink::Stream::Output), "");
  link.close();
  EXPECT_EQ(link.printed(SessionLink::Stream::Error), "");
}

}  // namespace
}  // namespace elsewhere
