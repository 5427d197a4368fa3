// A session that a nursery forks, from the owner's request to its end: with the
// real stand-in, the real server of forks, and a session without R.
#include "engine/workers/session_nursery.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/bare.h"
#include "engine/os/process_facts.h"
#include "engine/os/socket.h"
#include "engine/wire/belongings.h"
#include "engine/wire/packet.h"
#include "engine/workers/session_link.h"

namespace elsewhere {
namespace {

// Guards against waiting for ever: a slow machine never comes near it.
constexpr std::chrono::seconds kPatience{60};
constexpr int kOwnStart = 42;  // the status of a stand-in that became the session

Deadline soon() { return deadline_in(kPatience); }
// From Linux 6.15 on it tells how a process has ended that was not ours, to those who
// can ask.
bool kernel_keeps_status() {
  if (std::strcmp(ELSEWHERE_OS, "linux") != 0 || ::access("/proc/self", F_OK) != 0) return false;
  if (!Fd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)))) return false;
  utsname about{};
  int major = 0, minor = 0;
  const bool is_known =
      ::uname(&about) == 0 && std::sscanf(about.release, "%d.%d", &major, &minor) == 2;
  return is_known && (major > 6 || (major == 6 && minor >= 15));
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// The owner's end of one session, and the pipe that is the session's output.
struct Session {
  explicit Session(Fd channel) : link(std::move(channel)) {}
  SessionLink link;
  Fd their_channel, joint, output, their_output;
  Process stand_in;
  TaskId request = kNoTask;
};

class SessionNurseryTest : public testing::Test {
 protected:
  void start_nursery(const std::string& setup = "") {
    auto started = SessionNursery::start({FAKE_WORKER, {}, current_environment()}, bytes_of(setup));
    ASSERT_TRUE(started.ok());
    nursery_ = std::make_unique<SessionNursery>(std::move(started.value()));
  }
  void kill_nursery() {
    ::kill(nursery_->pid(), SIGKILL);
    while (!nursery_->has_ended()) ::usleep(1000);
  }

  // What the owner does before processx starts the stand-in.
  std::unique_ptr<Session> ask() {
    auto channel = socket_pair();
    auto output = output_pipe();
    auto session = std::make_unique<Session>(std::move(channel.value().first));
    session->their_channel = std::move(channel.value().second);
    session->output = std::move(output.value().first);
    session->their_output = std::move(output.value().second);
    session->request = TaskId{++requests_};
    auto joint = nursery_->fork_session({session->request, session->their_channel.get(),
                                         ::testing::TempDir(), current_environment()});
    EXPECT_TRUE(joint.ok());
    session->joint = std::move(joint.value());
    return session;
  }

  // What processx does.
  void start_stand_in(Session& session, const std::string& shell_commands = "true") {
    auto environment = current_environment();
    environment.push_back("PROCESSX_MARK=of this session");
    const std::string script = shell_commands + R"(; exec "$0" "$@")";
    auto process =
        spawn({"/bin/sh",
               {"-c", script, STANDIN, "/bin/sh", "-c", "exit " + std::to_string(kOwnStart)},
               environment,
               {{1, session.their_output.get()},
                {2, session.their_output.get()},
                {kPacketsFd, session.their_channel.get()},
                {kJointFd, session.joint.get()}}});
    ASSERT_TRUE(process.ok());
    session.stand_in = std::move(process.value());
    session.their_channel.reset();
    session.their_output.reset();
    session.joint.reset();
  }

  Process forked(const Session& session) {
    auto process = nursery_->forked(session.request, soon());
    EXPECT_TRUE(process.ok() && process.value());
    return process.ok() && process.value() ? std::move(*process.value()) : Process{};
  }

  std::unique_ptr<Session> open(const std::string& shell_commands = "true") {
    auto session = ask();
    start_stand_in(*session, shell_commands);
    EXPECT_TRUE(session->link.set_up(Parcel(Bytes{})).ok());
    auto ready = session->link.wait(soon());
    EXPECT_TRUE(ready.ok() && ready.value() && ready.value()->kind == PacketKind::Ready);
    return session;
  }

  static void start(Session& session, const std::string& task) {
    ASSERT_TRUE(session.link.start(Parcel(Bytes(bytes_of(task)))).ok());
  }
  static std::string answer(Session& session) {
    auto packet = session.link.wait(soon());
    if (!packet.ok() || !packet.value()) return "no answer";
    return {reinterpret_cast<const char*>(packet.value()->body.data()),
            packet.value()->body.size()};
  }
  static std::string run(Session& session, const std::string& task) {
    start(session, task);
    return answer(session);
  }
  static bool hears_the_end(Session& session) {
    auto packet = session.link.wait(soon());
    return !packet.ok() && packet.error().code == ErrorCode::Closed;
  }
  static std::string end_of(const Process& process) {
    auto ready = wait_ready(process.watch.get(), Ready::Readable, kPatience);
    if (!ready.ok() || !ready.value()) return "has not ended";
    auto exit = reap(process);
    return exit.ok() && exit.value() ? describe(*exit.value()) : "is not ours";
  }
  static bool is_gone(const Process& process) {
    auto ready = wait_ready(process.watch.get(), Ready::Readable, kPatience);
    return ready.ok() && ready.value();
  }

  std::unique_ptr<SessionNursery> nursery_;
  std::uint64_t requests_ = 0;
};

std::string status(int number) { return describe(ExitStatus{number, 0}); }
std::string killed(int number) { return describe(ExitStatus{0, number}); }

// A nursery that may fork knows that it has one thread.
class ForkedSessionTest : public SessionNurseryTest {
 protected:
  void SetUp() override {
    if (!count_threads()) GTEST_SKIP() << "the system does not tell how many threads there are";
  }
};

TEST_F(ForkedSessionTest, ForksAProcessThatRunsTasks) {
  start_nursery();
  auto session = open();
  EXPECT_EQ(run(*session, "pid"), std::to_string(forked(*session).pid));
  EXPECT_EQ(run(*session, "parent"), std::to_string(nursery_->pid()));
}

TEST_F(ForkedSessionTest, ForksSeveralAtOnce) {
  start_nursery();
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < 8; ++i) sessions.push_back(ask());
  for (auto& session : sessions) start_stand_in(*session);
  for (auto& session : sessions) {
    EXPECT_TRUE(session->link.set_up(Parcel(Bytes{})).ok());
    EXPECT_TRUE(session->link.wait(soon()).ok());
    EXPECT_EQ(run(*session, "pid"), std::to_string(forked(*session).pid));
  }
}

TEST_F(ForkedSessionTest, GivesTheSessionWhatItsStandInHas) {
  start_nursery();
  auto session = open("umask 027; ulimit -Sn 123");
  EXPECT_EQ(run(*session, "umask"), std::to_string(027));
  EXPECT_EQ(run(*session, "descriptors_max"), "123");
  EXPECT_EQ(run(*session, "directory") + "/", ::testing::TempDir());
  const std::string shown = run(*session, "shown_environment");
  EXPECT_NE(shown.find(std::string("PROCESSX_MARK=of this session\0", 30)), std::string::npos);
  run(*session, "print:0");
  std::array<char, 16> printed{};
  EXPECT_GT(::read(session->output.get(), printed.data(), printed.size()), 0);
  EXPECT_STREQ(printed.data(), "the end");
}

TEST_F(ForkedSessionTest, TheStandInEndsWithTheStatusOfTheSession) {
  start_nursery();
  auto session = open();
  start(*session, "exit:7");
  EXPECT_EQ(end_of(session->stand_in), status(7));
}

TEST_F(ForkedSessionTest, TheStandInEndsByTheSignalOfTheSession) {
  start_nursery();
  for (const int number : {SIGKILL, SIGTERM, SIGABRT}) {
    auto session = open();
    start(*session, "die:" + std::to_string(number));
    EXPECT_EQ(end_of(session->stand_in), killed(number));
  }
}

TEST_F(ForkedSessionTest, ASignalForTheStandInIsOneForTheSession) {
  start_nursery();
  auto session = open();
  start(*session, "event-and-wait:");
  EXPECT_EQ(answer(*session), "");  // its event: it runs
  ASSERT_TRUE(send_signal(session->stand_in, SIGINT).ok());
  EXPECT_EQ(answer(*session), "interrupted");
  ASSERT_TRUE(send_signal(session->stand_in, SIGTERM).ok());
  EXPECT_EQ(end_of(session->stand_in), killed(SIGTERM));
}

TEST_F(ForkedSessionTest, ASessionEndsWithItsStandIn) {
  start_nursery();
  auto session = open();
  const Process process = forked(*session);
  ASSERT_TRUE(send_signal(session->stand_in, SIGKILL).ok());
  EXPECT_TRUE(hears_the_end(*session));
  EXPECT_TRUE(is_gone(process));
  EXPECT_EQ(end_of(session->stand_in), killed(SIGKILL));
}

TEST_F(ForkedSessionTest, ASessionEndsWhenItsOwnerClosesTheChannel) {
  start_nursery();
  auto session = open();
  const Process process = forked(*session);
  start(*session, "stubborn:");
  session->link.close();
  EXPECT_TRUE(is_gone(process));
  EXPECT_NE(end_of(session->stand_in), "has not ended");
}

TEST_F(ForkedSessionTest, ASessionThatWasKilledBeforeItsStandInCameIsItsEnd) {
  start_nursery();
  auto session = ask();
  ASSERT_TRUE(send_signal(forked(*session), SIGKILL).ok());
  start_stand_in(*session);
  EXPECT_EQ(end_of(session->stand_in), killed(SIGKILL));
}

TEST_F(ForkedSessionTest, AForkWhoseStandInNeverComesEnds) {
  start_nursery();
  auto session = ask();
  const Process process = forked(*session);
  session->joint.reset();
  EXPECT_TRUE(is_gone(process));
}

TEST_F(ForkedSessionTest, AForkWhoseStandInSendsSomethingElseEnds) {
  start_nursery();
  constexpr std::size_t kAll = sizeof(Belongings) + sizeof(bare::Inherited);
  for (const std::size_t bytes : {std::size_t{1}, sizeof(Belongings), kAll, kAll + 100}) {
    auto session = ask();
    const Process process = forked(*session);
    const std::vector<std::byte> nonsense(bytes, std::byte{0xff});
    ASSERT_TRUE(send_some(session->joint.get(), nonsense).ok());
    session->joint.reset();
    EXPECT_TRUE(is_gone(process)) << bytes << " bytes";
  }
  EXPECT_EQ(run(*open(), "echo:still forking"), "still forking");
}

TEST_F(SessionNurseryTest, TheStandInStartsRItselfWhereTheNurseryMayNotFork) {
  start_nursery("run a thread");
  auto session = ask();
  start_stand_in(*session);
  EXPECT_EQ(end_of(session->stand_in), status(kOwnStart));
  auto process = nursery_->forked(session->request, soon());
  EXPECT_TRUE(process.ok() && !process.value());
}

TEST_F(SessionNurseryTest, ANurseryWhoseThreadsCannotBeCountedDoesNotFork) {
  if (count_threads()) GTEST_SKIP() << "the system tells how many there are";
  start_nursery();
  auto session = ask();
  start_stand_in(*session);
  EXPECT_EQ(end_of(session->stand_in), status(kOwnStart));
}

TEST_F(SessionNurseryTest, TheStandInStartsRItselfWhenTheNurseryDiesBeforeItHasForked) {
  start_nursery("hang");
  auto session = ask();
  start_stand_in(*session);
  kill_nursery();
  EXPECT_EQ(end_of(session->stand_in), status(kOwnStart));
  auto process = nursery_->forked(session->request, soon());
  EXPECT_TRUE(process.ok() && !process.value());
}

TEST_F(ForkedSessionTest, ASessionOutlivesItsNursery) {
  start_nursery();
  auto session = open();
  kill_nursery();
  EXPECT_EQ(run(*session, "echo:alive"), "alive");
  start(*session, "exit:7");
  // The kernel knows; one before Linux 6.15 forgets it when the status is taken by
  // whoever is the parent now.
  const auto end = end_of(session->stand_in);
  EXPECT_TRUE(end == status(7) || (!kernel_keeps_status() && end == status(255))) << end;
}

TEST_F(ForkedSessionTest, TheProcessLeavesWhenItsOwnerHasNoUseForIt) {
  start_nursery();
  auto session = open();
  nursery_->close();
  const auto deadline = soon();
  while (!nursery_->has_ended() && time_left(deadline)->count() > 0) ::usleep(1000);
  EXPECT_TRUE(nursery_->has_ended());
  EXPECT_EQ(run(*session, "echo:alive"), "alive");
}

}  // namespace
}  // namespace elsewhere
