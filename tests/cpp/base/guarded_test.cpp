#include "engine/base/guarded.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace elsewhere {
namespace {

TEST(Guarded, LetsOneThreadInAtATime) {
  Guarded<long> count(0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10000; ++j) count.with([](long& value) { ++value; });
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count.with([](long& value) { return value; }), 40000);
}

TEST(Guarded, ReturnsWhatTheUseReturns) {
  Guarded<std::string> text("abc");
  EXPECT_EQ(text.with([](std::string& value) { return value + "d"; }), "abcd");
}

TEST(Guarded, FreesTheLockWhenTheUseThrows) {
  Guarded<int> value(1);
  EXPECT_THROW(value.with([](int&) { throw 1; }), int);
  auto seen =
      std::async(std::launch::async, [&] { return value.with([](int& held) { return held; }); });
  ASSERT_EQ(seen.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_EQ(seen.get(), 1);
}

}  // namespace
}  // namespace elsewhere
