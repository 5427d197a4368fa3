#include "engine/tasks/forked_task.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace elsewhere {
namespace {

using namespace std::chrono_literals;

Parcel parcel_of(const std::string& text) { return Parcel(Bytes(std::as_bytes(std::span(text)))); }

std::string text_of(const Parcel& parcel) {
  std::string text(static_cast<std::size_t>(parcel.size_bytes()), '\0');
  EXPECT_TRUE(parcel.read(0, std::as_writable_bytes(std::span(text))).ok());
  return text;
}

std::unique_ptr<ForkedTask> start(ForkedTask::Options options, ForkedTask::Evaluate evaluate) {
  auto task = ForkedTask::start(options, std::move(evaluate));
  EXPECT_TRUE(task.ok()) << task.error().message;
  return std::move(task.value());
}

void wait_until_settled(ForkedTask& task) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < deadline) {
    task.look();
    if (task.state() == TaskState::Settled) return;
    std::vector<pollfd> entries;
    for (const int fd : task.descriptors()) entries.push_back({fd, POLLIN, 0});
    ::poll(entries.data(), entries.size(), 1000);
  }
  FAIL() << "the task did not settle";
}

void expect_no_children_left() {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (reap_forked_children() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(reap_forked_children(), 0u);
}

TEST(ForkedTask, HasTheValueThatItsChildSends) {
  auto task = start({}, [](ForkedChild& child) { child.send_value(parcel_of("forty-two")); });
  wait_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Value);
  EXPECT_EQ(text_of(task->outcome().value), "forty-two");
  expect_no_children_left();
}

TEST(ForkedTask, TakesEventsBeforeTheResult) {
  auto task = start({}, [](ForkedChild& child) {
    child.send_event(parcel_of("one"));
    child.send_event(parcel_of("two"));
    child.send_value(parcel_of("done"));
  });
  wait_until_settled(*task);
  const auto events = task->take_events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(text_of(events[0]), "one");
  EXPECT_EQ(text_of(events[1]), "two");
  EXPECT_FALSE(task->has_events());
}

TEST(ForkedTask, CarriesALargeValueInSharedMemory) {
  const std::string large(3 << 20, 'x');
  auto task = start({}, [&](ForkedChild& child) {
    ParcelWriter writer;
    (void)writer.append(std::as_bytes(std::span(large)));
    child.send_value(std::move(writer.finish().value()));
  });
  wait_until_settled(*task);
  EXPECT_EQ(text_of(task->outcome().value), large);
}

TEST(ForkedTask, IsLostWithTheSignalThatKilledItsChild) {
  auto task = start({}, [](ForkedChild&) { ::raise(SIGKILL); });
  wait_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Lost);
  EXPECT_EQ(task->outcome().exit.signal, SIGKILL);
}

TEST(ForkedTask, IsLostWhenItsChildSaysNothing) {
  auto task = start({}, [](ForkedChild&) {});
  wait_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Lost);
}

TEST(ForkedTask, ForksAgainAsOftenAsItsRetriesAllow) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto task = start({.retries = 2, .timeout = {}}, [&](ForkedChild&) {
    (void)!::write(ends[1], "x", 1);
    ::raise(SIGKILL);
  });
  wait_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Lost);
  char attempts[8];
  EXPECT_EQ(::read(ends[0], attempts, sizeof attempts), 3);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ForkedTask, EndsWhenItsTimeIsOver) {
  auto task = start({.retries = 0, .timeout = 50ms}, [](ForkedChild&) {
    for (;;) ::pause();
  });
  wait_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::TimedOut);
}

TEST(ForkedTask, SettlesAtOnceWhenCancelledAndEndsAfterItsGrace) {
  auto task = start({}, [](ForkedChild&) {
    ::signal(SIGINT, SIG_IGN);
    for (;;) ::pause();
  });
  EXPECT_TRUE(task->cancel(20ms));
  EXPECT_EQ(task->state(), TaskState::Settled);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::Cancelled);
  EXPECT_FALSE(task->cancel(20ms));
  expect_no_children_left();
}

// A child that is stopped sees neither its clock nor an interrupt.
TEST(ForkedTask, EndsAStoppedChildWhenItsTimeIsUp) {
  auto task = start({0, 50ms}, [](ForkedChild&) {
    for (;;) ::raise(SIGSTOP);
  });
  wait_until_settled(*task);
  EXPECT_EQ(task->outcome().kind, OutcomeKind::TimedOut);
  expect_no_children_left();
}

TEST(ForkedTask, EndsACancelledChildThatStopsItself) {
  auto task = start({}, [](ForkedChild&) {
    ::signal(SIGINT, SIG_IGN);
    for (;;) ::raise(SIGSTOP);
  });
  EXPECT_TRUE(task->cancel(0ms));
  expect_no_children_left();
}

TEST(ForkedTask, EndsItsChildWhenNobodyHoldsItAnyMore) {
  start({}, [](ForkedChild&) {
    for (;;) ::pause();
  }).reset();
  expect_no_children_left();
}

// A child holds no copy of its siblings' ends: a sibling's channel closes when
// the sibling ends.
TEST(ForkedTask, IsNotKeptOpenByTasksForkedLater) {
  auto first = start({}, [](ForkedChild& child) {
    ::usleep(50000);
    child.send_value(parcel_of("first"));
  });
  auto second = start({}, [](ForkedChild&) {
    for (;;) ::pause();
  });
  wait_until_settled(*first);
  EXPECT_EQ(text_of(first->outcome().value), "first");
  EXPECT_EQ(second->state(), TaskState::Running);
}

}  // namespace
}  // namespace elsewhere
