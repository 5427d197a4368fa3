#include "engine/workers/output_redirect.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace elsewhere {
namespace {

// Only system calls write here: the test's own streams stay where they are.
void say(int number, const std::string& text) {
  ASSERT_EQ(::write(number, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

std::string content(int fd) {
  char buffer[100];
  const ssize_t got = ::pread(fd, buffer, sizeof buffer, 0);
  return {buffer, static_cast<std::size_t>(got)};
}

TEST(OutputRedirect, CatchesBothStreamsBetweenBeginAndEnd) {
  auto redirect = OutputRedirect::open("memory", "memory");
  ASSERT_TRUE(redirect.ok());
  const auto fds = redirect.value().memory_fds();
  ASSERT_EQ(fds.size(), 2u);
  std::fflush(stdout);
  redirect.value().begin();
  say(1, "out");
  say(2, "err");
  redirect.value().end();
  EXPECT_EQ(content(fds[0]), "out");
  EXPECT_EQ(content(fds[1]), "err");
}

TEST(OutputRedirect, StartsEmptyEachTime) {
  auto redirect = OutputRedirect::open("memory", "");
  const int file = redirect.value().memory_fds().at(0);
  std::fflush(stdout);
  redirect.value().begin();
  say(1, "a long first text");
  redirect.value().end();
  redirect.value().begin();
  say(1, "short");
  redirect.value().end();
  EXPECT_EQ(content(file), "short");
}

TEST(OutputRedirect, TwoStreamsCanShareAFileThatCallsAppendTo) {
  const std::string path = ::testing::TempDir() + "output_redirect_test.txt";
  auto redirect = OutputRedirect::open(path, "2>&1");
  EXPECT_TRUE(redirect.value().memory_fds().empty());
  std::fflush(stdout);
  for (int call = 0; call < 2; ++call) {
    redirect.value().begin();
    say(1, "one ");
    say(2, "two ");
    redirect.value().end();
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), "one two one two ");
  ::unlink(path.c_str());
}

TEST(OutputRedirect, SaysWhichFileCannotBeWritten) {
  auto redirect = OutputRedirect::open("/no/such/folder/x", "");
  ASSERT_FALSE(redirect.ok());
  EXPECT_NE(redirect.error().message.find("/no/such/folder/x"), std::string::npos);
}

}  // namespace
}  // namespace elsewhere
