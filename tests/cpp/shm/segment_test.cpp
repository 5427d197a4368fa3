#include "engine/shm/segment.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

// What tells one segment from another, whatever the number of its descriptor.
ino_t identity(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 ? about.st_ino : 0;
}

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

Segment holding(const std::string& text) {
  Segment segment = std::move(*Segment::open());
  EXPECT_TRUE(segment.append(std::as_bytes(std::span(text))).ok());
  return segment;
}

std::string text_of(const Segment& segment) {
  std::string text(static_cast<std::size_t>(segment.size_bytes()), '\0');
  EXPECT_TRUE(segment.read(0, std::as_writable_bytes(std::span(text))).ok());
  return text;
}

// A value on its way: its sender is done with it, its receiver is not.
struct Sent {
  Segment received;
  ino_t identity;
};

Sent send(const std::string& text) {
  const Segment segment = holding(text);
  const int fd = segment.fd_to_send();
  return {Segment::received(std::move(duplicate(fd).value()), segment.size_bytes()), identity(fd)};
}

TEST(Segment, IsUsedAgainOnceItsReceiverHasLetItGo) {
  const KeepsSegments keeps;
  ino_t first = 0;
  {
    const Sent sent = send("a first and long value");
    EXPECT_EQ(text_of(sent.received), "a first and long value");
    first = sent.identity;
  }
  const Sent next = send("the next");
  EXPECT_EQ(next.identity, first);
  EXPECT_EQ(text_of(next.received), "the next");
}

TEST(Segment, OfAReceiverThatStillReadsIsNotWritten) {
  const KeepsSegments keeps;
  const Sent sent = send("first");
  const Sent other = send("other");
  EXPECT_NE(other.identity, sent.identity);
  EXPECT_EQ(text_of(sent.received), "first");
  EXPECT_EQ(text_of(other.received), "other");
}

TEST(Segment, OfSeveralReceiversIsNotUsedAgain) {
  const KeepsSegments keeps;
  std::optional<Segment> slow;
  {
    const Segment segment = holding("for two");
    const Segment quick =
        Segment::received(std::move(duplicate(segment.fd_to_send()).value()), segment.size_bytes());
    slow =
        Segment::received(std::move(duplicate(segment.fd_to_send()).value()), segment.size_bytes());
  }
  const Sent next = send("another");
  EXPECT_EQ(text_of(*slow), "for two");
}

TEST(Segment, ThatWasNeverSentIsUsedAgain) {
  const KeepsSegments keeps;
  ino_t first = 0;
  {
    const Sent sent = send("makes one that is kept");
    first = sent.identity;
  }
  { const Segment unsent = holding("an error came before it was sent"); }
  EXPECT_EQ(send("next").identity, first);
}

TEST(Segment, IsNotKeptWithoutAKeeperNorAfterTheLast) {
  const int before = open_descriptors();
  { const Sent sent = send("nobody sends any more"); }
  EXPECT_EQ(open_descriptors(), before);
  {
    const KeepsSegments keeps;
    { const Sent sent = send("kept"); }
    EXPECT_EQ(open_descriptors(), before + 1);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Segment, ThatIsLargeIsNotKept) {
  const KeepsSegments keeps;
  const int before = open_descriptors();
  { const Sent sent = send(std::string(std::size_t{25} << 20, 'x')); }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Segment, KeepsNoMoreThanAFew) {
  const KeepsSegments keeps;
  const int before = open_descriptors();
  {
    std::vector<Sent> many;
    for (int i = 0; i < 20; ++i) many.push_back(send("value"));
  }
  EXPECT_LE(open_descriptors(), before + 4);
}

// The copy of a segment that a child has by a fork is not the child's to let go or
// to write.
TEST(Segment, IsLeftAloneByAForkedChild) {
  const KeepsSegments keeps;
  Sent waiting = send("not read yet");
  { const Sent kept = send("kept by the parent"); }
  const pid_t child = ::fork();
  if (child == 0) {
    { const Segment mine = std::move(waiting.received); }
    const KeepsSegments own;
    const Sent sent = send("written by the child");
    ::_exit(text_of(sent.received) == "written by the child" ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const Sent parents = send("written by the parent, and long");
  EXPECT_EQ(text_of(parents.received), "written by the parent, and long");
  EXPECT_NE(parents.identity, waiting.identity);
  EXPECT_EQ(text_of(waiting.received), "not read yet");
}

TEST(Segment, ReadPastItsValueIsAnErrorAlsoWhereAnOlderOneWasLonger) {
  const KeepsSegments keeps;
  { const Sent sent = send("a long value that was there before"); }
  const Sent sent = send("short");
  std::vector<std::byte> into(6);
  EXPECT_FALSE(sent.received.read(0, into).ok());
}

}  // namespace
}  // namespace elsewhere
