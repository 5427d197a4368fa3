#include "engine/os/wakeup.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

using namespace std::chrono_literals;

bool is_raised(const Wakeup& wakeup) {
  const auto ready = wait_ready(wakeup.fd(), Ready::Readable, 0ms);
  return ready.ok() && ready.value();
}

TEST(Wakeup, IsReadableFromRaiseToClear) {
  auto wakeup = Wakeup::open();
  ASSERT_TRUE(wakeup.ok());
  EXPECT_FALSE(is_raised(wakeup.value()));
  wakeup.value().raise();
  wakeup.value().raise();
  EXPECT_TRUE(is_raised(wakeup.value()));
  wakeup.value().clear();
  EXPECT_FALSE(is_raised(wakeup.value()));
}

TEST(Wakeup, ClearOfWhatWasNotRaisedDoesNotBlock) {
  auto wakeup = Wakeup::open();
  ASSERT_TRUE(wakeup.ok());
  wakeup.value().clear();
  EXPECT_FALSE(is_raised(wakeup.value()));
}

TEST(Wakeup, WakesAThreadThatWaits) {
  auto wakeup = Wakeup::open();
  ASSERT_TRUE(wakeup.ok());
  std::thread other([&] { wakeup.value().raise(); });
  const auto ready = wait_ready(wakeup.value().fd(), Ready::Readable, 60s);
  other.join();
  ASSERT_TRUE(ready.ok());
  EXPECT_TRUE(ready.value());
}

}  // namespace
}  // namespace elsewhere
