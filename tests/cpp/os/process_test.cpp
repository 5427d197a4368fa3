#include "engine/os/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <sstream>
#include <string>

#include "engine/os/posix/system.h"
#include "engine/os/process_facts.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

using namespace std::chrono_literals;

// A shell that runs `script`, its descriptor 1 being `output` if one is given.
SpawnRequest shell(const std::string& script, int output = -1) {
  SpawnRequest request;
  request.program = "/bin/sh";
  request.arguments = {"-c", script};
  request.environment = {"PATH=/usr/bin:/bin", "WORD=hello"};
  if (output >= 0) request.descriptors = {{1, output}};
  return request;
}

// Waits for the process to end, at most ten seconds, and reaps it.
ExitStatus ended(const Process& process) {
  const auto is_over = wait_ready(process.watch.get(), Ready::Readable, 60s);
  EXPECT_TRUE(is_over.ok() && is_over.value()) << "the process does not end";
  const auto exit = reap(process);
  EXPECT_TRUE(exit.ok() && exit.value().has_value());
  return exit.ok() ? exit.value().value_or(ExitStatus{-2, 0}) : ExitStatus{-2, 0};
}

// Everything that comes out of `fd` until its other ends are closed.
std::string all_from(int fd) {
  std::string text;
  std::array<std::byte, 4096> into{};
  for (;;) {
    if (!wait_ready(fd, Ready::Readable, 60s).ok()) return text + " (time is over)";
    const auto got = receive_some(fd, into);
    if (!got.ok() || got.value().outcome == Transfer::Closed) return text;
    text.append(reinterpret_cast<const char*>(into.data()), got.value().bytes);
  }
}

std::string output_of(const std::string& script) {
  auto pair = socket_pair();
  EXPECT_TRUE(pair.ok());
  const auto process = spawn(shell(script, pair.value().second.get()));
  EXPECT_TRUE(process.ok()) << process.error().message;
  pair.value().second.reset();
  const auto text = all_from(pair.value().first.get());
  ended(process.value());
  return text;
}

TEST(Spawn, ReportsTheExitStatus) {
  const auto process = spawn(shell("exit 7"));
  ASSERT_TRUE(process.ok()) << process.error().message;
  const auto exit = ended(process.value());
  EXPECT_EQ(exit.status, 7);
  EXPECT_EQ(exit.signal, 0);
  EXPECT_EQ(describe(exit), "ended with status 7");
}

TEST(Spawn, ReportsTheSignalThatKilled) {
  const auto process = spawn(shell("while :; do :; done"));
  ASSERT_TRUE(process.ok());
  const auto running = reap(process.value());
  ASSERT_TRUE(running.ok());
  EXPECT_FALSE(running.value().has_value());
  const auto sent = send_signal(process.value(), SIGKILL);
  ASSERT_TRUE(sent.ok());
  EXPECT_TRUE(sent.value());
  const auto exit = ended(process.value());
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_EQ(describe(exit), "was killed by signal 9 (Killed)");
}

TEST(Spawn, SignalsToAnEndedProcessReachNobody) {
  const auto process = spawn(shell("exit 0"));
  ASSERT_TRUE(process.ok());
  ended(process.value());
  const auto sent = send_signal(process.value(), SIGTERM);
  ASSERT_TRUE(sent.ok());
  EXPECT_FALSE(sent.value());
}

TEST(Spawn, AProgramThatIsNotThereIsAnErrorWithItsName) {
  const auto process = spawn({"/nowhere/R", {}, {}, {}});
  ASSERT_FALSE(process.ok());
  EXPECT_EQ(process.error().code, ErrorCode::System);
  EXPECT_EQ(process.error().message, "cannot start `/nowhere/R`: No such file or directory");
}

TEST(Spawn, PassesExactlyTheGivenEnvironment) {
  EXPECT_EQ(output_of("echo $WORD ${HOME-none}"), "hello none\n");
}

TEST(Spawn, StartsASessionOfItsOwn) {
  const auto process = spawn(shell("while :; do :; done"));
  ASSERT_TRUE(process.ok());
  const auto pid = process.value().pid;
  EXPECT_EQ(::getsid(pid), pid);
  EXPECT_EQ(::getpgid(pid), pid);
  EXPECT_TRUE(send_signal(process.value(), SIGKILL).ok());
  ended(process.value());
}

TEST(Spawn, GivesDevNullForStandardDescriptorsThatAreNotGiven) {
  EXPECT_EQ(output_of("readlink /proc/self/fd/0 /proc/self/fd/2"), "/dev/null\n/dev/null\n");
}

// The child's numbers cross ours: what is 3 here is 4 there and the other way
// round, which a plain sequence of dup2() would get wrong.
TEST(Spawn, GivesEachDescriptorItsNumberEvenWhenTheyCross) {
  auto first = socket_pair();
  auto second = socket_pair();
  ASSERT_TRUE(first.ok() && second.ok());
  const int a = first.value().second.get();
  const int b = second.value().second.get();
  // A shell redirects to single digits alone.
  ASSERT_LT(std::max(a, b), 10);
  auto request =
      shell("echo to-first >&" + std::to_string(b) + "; echo to-second >&" + std::to_string(a));
  request.descriptors = {{a, b}, {b, a}};
  const auto process = spawn(request);
  ASSERT_TRUE(process.ok());
  first.value().second.reset();
  second.value().second.reset();
  EXPECT_EQ(all_from(first.value().first.get()), "to-first\n");
  EXPECT_EQ(all_from(second.value().first.get()), "to-second\n");
  ended(process.value());
}

// R's own connections are not close-on-exec, and a worker that keeps a copy of
// a pipe's end keeps that pipe open.
TEST(Spawn, LeavesEverythingElseBehind) {
  std::array<int, 3> leaky{};
  for (auto& fd : leaky) fd = ::open("/dev/zero", O_RDONLY);
  const auto text = output_of("for fd in /proc/$$/fd/*; do readlink $fd; done");
  for (const int fd : leaky) ::close(fd);
  EXPECT_EQ(text.find("/dev/zero"), std::string::npos) << text;
}

// Between the look at what is open and the start, another thread may open something.
TEST(Spawn, LeavesBehindWhatIsOpenedMeanwhile) {
  if (std::string(ELSEWHERE_OS) != "linux") GTEST_SKIP() << "not every system can promise it";
  posix_spawn_file_actions_t actions;
  ASSERT_EQ(::posix_spawn_file_actions_init(&actions), 0);
  system::add_close_from(actions, 3);
  std::array<int, 60> opened{};
  for (auto& fd : opened) fd = ::open("/dev/zero", O_RDONLY);
  std::string shell = "/bin/sh", option = "-c";
  std::string script = "for fd in /proc/$$/fd/*; do readlink $fd; done | grep -q /dev/zero";
  std::array<char*, 4> arguments{shell.data(), option.data(), script.data(), nullptr};
  pid_t pid = -1;
  EXPECT_EQ(::posix_spawn(&pid, shell.c_str(), &actions, nullptr, arguments.data(), environ), 0);
  for (const int fd : opened) ::close(fd);
  ::posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << "it has some of them";
}

TEST(Spawn, StartsWithDefaultSignalsAndAnEmptyMask) {
  sigset_t blocked, old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &old), 0);
  const auto old_handler = ::signal(SIGINT, SIG_IGN);
  const auto text = output_of("sed -nE 's/^Sig(Blk|Ign):.//p' /proc/self/status");
  ::signal(SIGINT, old_handler);
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  std::istringstream lines(text);
  std::string blocked_in_child, ignored_in_child;
  lines >> blocked_in_child >> ignored_in_child;
  EXPECT_EQ(blocked_in_child, "0000000000000000");
  // Signals 32 and 33 belong to the C library, which lets nobody set them.
  const auto ignored = std::stoull(ignored_in_child, nullptr, 16);
  EXPECT_EQ(ignored & 0x7fffffffULL, 0u) << ignored_in_child;
}

TEST(Spawn, ManyStartsLeaveNoDescriptorBehind) {
  const auto next_free = [] {
    const int fd = ::open("/dev/null", O_RDONLY);
    ::close(fd);
    return fd;
  };
  const int before = next_free();
  for (int i = 0; i < 20; ++i) {
    const auto process = spawn(shell("exit 0"));
    ASSERT_TRUE(process.ok());
    ended(process.value());
    ASSERT_FALSE(spawn({"/nowhere/R", {}, {}, {}}).ok());
  }
  EXPECT_EQ(next_free(), before);
}

TEST(Reap, SaysWhenSomebodyElseCollectedTheStatus) {
  const auto process = spawn(shell("exit 3"));
  ASSERT_TRUE(process.ok());
  ASSERT_EQ(::waitpid(process.value().pid, nullptr, 0), process.value().pid);
  const auto exit = reap(process.value());
  ASSERT_TRUE(exit.ok() && exit.value().has_value());
  EXPECT_EQ(describe(*exit.value()), "ended, and how is not known");
}

TEST(KillGroup, EndsAProcessAndWhatItHasStarted) {
  auto pipe = pipe_pair();
  ASSERT_TRUE(pipe.ok());
  auto& [reading, writing] = pipe.value();
  auto started = fork_process();
  ASSERT_TRUE(started.ok());
  if (started.value().pid == 0) {
    lead_group(this_process());
    if (::fork() == 0) (void)!::write(writing.get(), "x", 1);
    for (;;) ::pause();
  }
  writing.reset();
  std::array<std::byte, 2> byte{};
  EXPECT_EQ(read_some(reading.get(), byte).value().bytes, 1U);  // its own child is there
  kill_group(started.value());
  EXPECT_EQ(read_some(reading.get(), byte).value().outcome, Transfer::Closed);
  int status = 0;
  ASSERT_EQ(::waitpid(started.value().pid, &status, 0), started.value().pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(WatchProcess, RefusesAProcessThatIsNotThere) {
  const auto process = spawn(shell("exit 0"));
  ASSERT_TRUE(process.ok());
  ended(process.value());
  const auto watch = watch_process(process.value().pid);
  ASSERT_FALSE(watch.ok());
  EXPECT_EQ(watch.error().code, ErrorCode::System);
}

}  // namespace
}  // namespace elsewhere
