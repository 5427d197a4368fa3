#include "engine/workers/owner_watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;

// A child process that ends once it has had half a second of a processor: where
// other work or a slow machine keeps it from that for longer than a second, the
// second that is promised takes longer, too.
class HalfASecondOfWork {
 public:
  explicit HalfASecondOfWork(int not_its_own) : child_(::fork()) {
    if (child_ != 0) return;
    ::close(not_its_own);
    while (std::clock() < CLOCKS_PER_SEC / 2) {
    }
    ::_exit(0);
  }
  ~HalfASecondOfWork() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  bool is_done() const {
    siginfo_t about{};
    return ::waitid(P_PID, static_cast<id_t>(child_), &about, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           about.si_pid == child_;
  }

 private:
  pid_t child_;
};

// A child process that watches `fd`, tells when it does, and never ends by
// itself. For SIGTERM it waits in the kernel: the thread sanitizer keeps signals
// back while the program alone runs.
pid_t start_child(int fd, int other_end, const std::string& directory,
                  bool cleans_up_at_sigterm = false) {
  int ready[2];
  if (::pipe(ready) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(other_end);
    ::setsid();
    if (!start_owner_watch({fd, {}, directory, nullptr, cleans_up_at_sigterm}).ok()) ::_exit(3);
    [[maybe_unused]] const auto told = ::write(ready[1], "r", 1);
    for (;;) {
      if (cleans_up_at_sigterm) ::pause();
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
  const HalfASecondOfWork yardstick(ends[1]);
  const auto start = Clock::now();
  ::close(ends[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_TRUE(Clock::now() - start < std::chrono::seconds(1) || !yardstick.is_done());
  struct stat about {};
  EXPECT_NE(::stat(directory.c_str(), &about), 0);
}

TEST(OwnerWatch, RemovesTheDirectoryAtSigtermWhereItIsAskedTo) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  std::string directory = ::testing::TempDir() + "owner_watch_XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  std::ofstream(directory + "/file") << "text";

  const pid_t child = start_child(ends[0], ends[1], directory, true);
  ASSERT_GT(child, 0);
  ASSERT_EQ(::kill(child, SIGTERM), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  struct stat about {};
  EXPECT_NE(::stat(directory.c_str(), &about), 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace elsewhere
