// What a system tells of its processes, and that one which does not says so.
#include "engine/os/process_facts.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "engine/os/process.h"

namespace elsewhere {
namespace {

bool tells() {
  return ELSEWHERE_OS != std::string("portable") && ::access("/proc/self", F_OK) == 0;
}

TEST(ProcessFacts, AStoppedChildIsSeenUntilItGoesOn) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  EXPECT_FALSE(is_stopped(child));
  ASSERT_EQ(::kill(child, SIGSTOP), 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WSTOPPED | WNOWAIT), 0);
  EXPECT_TRUE(is_stopped(child));
  ASSERT_EQ(::kill(child, SIGCONT), 0);
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WCONTINUED | WNOWAIT), 0);
  EXPECT_FALSE(is_stopped(child));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(is_stopped(child));
}

TEST(ProcessFacts, WhatTheSystemTellsIsRight) {
  if (!tells()) GTEST_SKIP() << "this system does not tell";
  EXPECT_GT(resident_bytes(this_process()), std::uint64_t{1} << 20);
  const auto own = started_at(this_process());
  const auto parents = started_at(parent_process());
  ASSERT_TRUE(own.ok() && parents.ok());
  EXPECT_GE(own.value(), parents.value());
  const auto before = count_threads();
  ASSERT_TRUE(before);
  // More than one: a sanitizer has its own with the first.
  std::thread one([before] { EXPECT_GT(count_threads(), before); });
  one.join();
}

TEST(ProcessFacts, WhatTheSystemDoesNotTellIsUnknown) {
  if (tells()) GTEST_SKIP() << "this system tells";
  EXPECT_EQ(resident_bytes(this_process()), 0U);
  const auto own = started_at(this_process());
  ASSERT_FALSE(own.ok());
  EXPECT_NE(own.error().message.find(std::to_string(this_process())), std::string::npos);
  // Linux may have another way to know that there is one.
  EXPECT_TRUE(!count_threads() || ELSEWHERE_OS != std::string("portable"));
}

TEST(ProcessFacts, NothingIsKnownOfAProcessThatIsNotThere) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(is_stopped(child));
  EXPECT_EQ(resident_bytes(child), 0U);
  EXPECT_FALSE(started_at(child).ok());
}

}  // namespace
}  // namespace elsewhere
