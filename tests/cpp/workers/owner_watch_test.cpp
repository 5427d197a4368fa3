#include "engine/workers/owner_watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;

// A child process that watches `fd`, tells when it does, and never ends by
// itself.
pid_t start_child(int fd, int other_end, const std::string& directory) {
  int ready[2];
  if (::pipe(ready) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(other_end);
    ::setsid();
    if (!start_owner_watch({fd, {}, directory, nullptr}).ok()) ::_exit(3);
    [[maybe_unused]] const auto told = ::write(ready[1], "r", 1);
    for (;;) {
    }
  }
  char byte;
  [[maybe_unused]] const auto got = ::read(ready[0], &byte, 1);
  ::close(ready[0]);
  ::close(ready[1]);
  return child;
}

TEST(OwnerWatch, EndsABusyProcessWithItsDirectoryWhenTheChannelHangsUp) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  std::string directory = ::testing::TempDir() + "owner_watch_XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  ASSERT_EQ(::mkdir((directory + "/inner").c_str(), 0700), 0);
  std::ofstream(directory + "/inner/file") << "text";

  const pid_t child = start_child(ends[0], ends[1], directory);
  ASSERT_GT(child, 0);
  ::close(ends[0]);
  const auto start = Clock::now();
  ::close(ends[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));
  struct stat about {};
  EXPECT_NE(::stat(directory.c_str(), &about), 0);
}

}  // namespace
}  // namespace elsewhere
