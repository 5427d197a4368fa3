#include "engine/loop/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <stdexcept>
#include <thread>

#include "engine/os/socket.h"
#include "engine/os/wakeup.h"

namespace elsewhere {
namespace {

using std::chrono::milliseconds;
constexpr std::chrono::seconds kDeadline{60};

TEST(Loop, RunsWhatIsPostedOnItsOwnThread) {
  Loop loop;
  std::promise<std::thread::id> ran;
  loop.post([&](Turn&) { ran.set_value(std::this_thread::get_id()); });
  auto where = ran.get_future();
  ASSERT_EQ(where.wait_for(kDeadline), std::future_status::ready);
  EXPECT_NE(where.get(), std::this_thread::get_id());
}

TEST(Loop, KeepsTheOrderOfWhatIsPosted) {
  Loop loop;
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) loop.post([&order, i](Turn&) { order.push_back(i); });
  loop.post([&](Turn&) { done.set_value(); });
  ASSERT_EQ(done.get_future().wait_for(kDeadline), std::future_status::ready);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Loop, RunsATimerNotBeforeItIsDueAndACancelledOneNever) {
  Loop loop;
  std::promise<void> due;
  bool is_cancelled_run = false;
  const auto start = std::chrono::steady_clock::now();
  loop.with_turn([&](Turn& turn) {
    const TimerId never =
        loop.after(turn, milliseconds(1), [&](Turn&) { is_cancelled_run = true; });
    loop.after(turn, milliseconds(30), [&](Turn&) { due.set_value(); });
    loop.cancel(turn, never);
  });
  ASSERT_EQ(due.get_future().wait_for(kDeadline), std::future_status::ready);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
  EXPECT_FALSE(loop.with_turn([&](Turn&) { return is_cancelled_run; }));
}

TEST(Loop, TellsEachTimeADescriptorIsReadableUntilItIsForgotten) {
  Loop loop;
  auto ends = std::move(socket_pair().value());
  int calls = 0;
  std::promise<void> second;
  loop.with_turn([&](Turn& turn) {
    loop.watch_readable(turn, ends.first.get(), [&](Turn& now) {
      std::byte byte;
      ASSERT_EQ(receive_some(ends.first.get(), {&byte, 1}).value().bytes, 1u);
      if (++calls < 2) return;
      loop.forget(now, ends.first.get());
      second.set_value();
    });
  });
  const std::byte bytes[3]{};
  ASSERT_EQ(send_some(ends.second.get(), bytes).value().bytes, 3u);
  ASSERT_EQ(second.get_future().wait_for(kDeadline), std::future_status::ready);
  std::promise<void> later;
  loop.post([&](Turn&) { later.set_value(); });
  later.get_future().wait();
  EXPECT_EQ(loop.with_turn([&](Turn&) { return calls; }), 2);
}

TEST(Loop, TellsOnceWhenADescriptorTakesBytesAgain) {
  Loop loop;
  auto ends = std::move(socket_pair().value());
  const std::vector<std::byte> block(1 << 16);
  while (send_some(ends.first.get(), block).value().outcome == Transfer::Moved) {
  }
  std::promise<void> writable;
  loop.with_turn([&](Turn& turn) {
    loop.once_writable(turn, ends.first.get(), [&](Turn&) { writable.set_value(); });
  });
  std::vector<std::byte> into(1 << 20);
  while (receive_some(ends.second.get(), into).value().outcome == Transfer::Moved) {
  }
  EXPECT_EQ(writable.get_future().wait_for(kDeadline), std::future_status::ready);
}

TEST(Loop, HandsAJobThatThrowsToItsHandlerAndGoesOn) {
  Loop loop;
  std::promise<std::string> told;
  loop.on_failed_job([&](Turn&, const char* what) { told.set_value(what); });
  loop.post([](Turn&) { throw std::runtime_error("out of paper"); });
  auto what = told.get_future();
  ASSERT_EQ(what.wait_for(kDeadline), std::future_status::ready);
  EXPECT_EQ(what.get(), "out of paper");
  std::promise<void> ran;
  loop.post([&](Turn&) { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(kDeadline), std::future_status::ready);
}

}  // namespace
}  // namespace elsewhere
