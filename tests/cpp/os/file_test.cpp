#include "engine/os/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/os/memory_file.h"
#include "engine/os/socket.h"
#include "engine/os/temporary_directory.h"

namespace elsewhere {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string text_at(int fd, std::uint64_t offset) {
  std::string text(64, '\0');
  const auto got = read_at(fd, offset, std::as_writable_bytes(std::span(text)), "read");
  EXPECT_TRUE(got.ok());
  text.resize(got.ok() ? got.value() : 0);
  return text;
}

std::string new_directory() {
  std::string path = ::testing::TempDir() + "file_test_XXXXXX";
  EXPECT_NE(::mkdtemp(path.data()), nullptr);
  return path;
}

TEST(File, IsReadAndWrittenByPosition) {
  const auto file = memory_file("test");
  ASSERT_TRUE(file.ok());
  const int fd = file.value().get();
  EXPECT_EQ(write_at(fd, 4, bytes_of("world"), "write").value(), 5U);
  EXPECT_EQ(write_at(fd, 0, bytes_of("the "), "write").value(), 4U);
  EXPECT_EQ(size_of(fd), 9U);
  EXPECT_EQ(text_at(fd, 4), "world");
  EXPECT_EQ(text_at(fd, 9), "");
  make_empty(fd);
  EXPECT_EQ(size_of(fd), 0U);
}

TEST(File, AnErrorBeginsWithWhatWasToBeDone) {
  const auto got = read_at(-1, 0, {}, "cannot read what a session printed");
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().message.find("cannot read what a session printed: "), 0U);
}

TEST(File, ThatIsCreatedIsEmptyAndWrittenAtItsEnd) {
  const std::string directory = new_directory();
  const std::string path = directory + "/output";
  std::ofstream(path) << "old";
  const auto file = create_file(path);
  ASSERT_TRUE(file.ok());
  const auto copy = duplicate(file.value().get());
  EXPECT_TRUE(write_some(file.value().get(), bytes_of("one ")).ok());
  EXPECT_TRUE(write_some(copy.value().get(), bytes_of("two")).ok());
  std::string text;
  std::getline(std::ifstream(path), text);
  EXPECT_EQ(text, "one two");
  const auto nowhere = create_file(directory + "/not/there");
  ASSERT_FALSE(nowhere.ok());
  EXPECT_NE(nowhere.error().message.find(directory + "/not/there"), std::string::npos);
  remove_all_of(directory);
}

TEST(File, ACopyAtANumberStaysOpenInPrograms) {
  const auto nothing = open_nothing();
  ASSERT_TRUE(nothing.ok());
  EXPECT_NE(::fcntl(nothing.value().get(), F_GETFD) & FD_CLOEXEC, 0);
  const int number = 200;
  ASSERT_TRUE(copy_to(nothing.value().get(), number).ok());
  const Fd copy(number);
  EXPECT_EQ(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_TRUE(set_close_on_exec(number).ok());
  EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_FALSE(copy_to(-1, number).ok());
}

TEST(File, AConsoleIsAPipeASocketOrATerminal) {
  const auto pipe = pipe_pair();
  const auto sockets = socket_pair();
  const auto nothing = open_nothing();
  const auto file = memory_file("test");
  EXPECT_TRUE(is_console(pipe.value().first.get()));
  EXPECT_TRUE(is_console(sockets.value().first.get()));
  EXPECT_FALSE(is_console(nothing.value().get()));
  EXPECT_FALSE(is_console(file.value().get()));
  EXPECT_FALSE(is_console(-1));
}

TEST(File, ADirectoryIsOpenedAndEntered) {
  const std::string directory = new_directory();
  std::ofstream(directory + "/file") << "text";
  EXPECT_FALSE(open_directory(directory + "/file").ok());
  const auto before = open_directory(".");
  const auto opened = open_directory(directory);
  ASSERT_TRUE(before.ok() && opened.ok());
  ASSERT_TRUE(go_to_directory(opened.value()).ok());
  EXPECT_TRUE(std::filesystem::equivalent(".", directory));
  ASSERT_TRUE(go_to_directory(before.value()).ok());
  remove_all_of(directory);
}

TEST(File, ALimitIsSeen) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 1 << 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
  EXPECT_TRUE(has_file_limit());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(has_file_limit(), before.rlim_cur != RLIM_INFINITY);
}

TEST(RemoveAllOf, RemovesWhatADirectoryHoldsAndFollowsNoLink) {
  const std::string kept = new_directory();
  std::ofstream(kept + "/file") << "text";
  const std::string directory = new_directory();
  std::filesystem::create_directories(directory + "/a/b/c");
  std::ofstream(directory + "/a/b/file") << "text";
  std::filesystem::create_directory_symlink(kept, directory + "/a/link");
  remove_all_of(directory);
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_TRUE(std::filesystem::exists(kept + "/file"));
  remove_all_of(kept);
  remove_all_of(kept);  // of what is not there, nothing
  remove_all_of("");
}

TEST(RemoveAllOf, StopsWhenItsTimeIsOver) {
  const std::string directory = new_directory();
  for (int i = 0; i < 100; ++i) std::ofstream(directory + "/" + std::to_string(i)) << "text";
  remove_all_of(directory, std::chrono::milliseconds(0));
  EXPECT_TRUE(std::filesystem::exists(directory));
  remove_all_of(directory);
  EXPECT_FALSE(std::filesystem::exists(directory));
}

}  // namespace
}  // namespace elsewhere
