// What workers, nurseries and owners do when they should not: whatever it is,
// each task settles once and the next one finds a worker.
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <random>

#include "fakes/engine_fixture.h"

#include "engine/os/process_facts.h"

namespace elsewhere {
namespace {

class FailureTest : public EngineTest {
 protected:
  // `text` costs its worker its life; the next task finds another.
  const Outcome& lost(PoolId pool, const std::string& text) {
    const TaskId task = submit(pool, text);
    const Outcome& outcome = finished(task);
    EXPECT_EQ(outcome.kind, OutcomeKind::Lost) << text;
    EXPECT_EQ(answer(submit(pool, "echo:next")), "next") << text;
    return outcome;
  }
  pid_t pid_from(PoolId pool, const std::string& verb) {
    return static_cast<pid_t>(std::stol(answer(submit(pool, verb + ":"))));
  }
  template <class Condition>
  void wait_until(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (!holds()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }
  std::vector<pid_t> pids(PoolId pool) { return engine_->pool_status(pool).pids; }
};
INSTANTIATE_TEST_SUITE_P(BothLaunches, FailureTest,
                         testing::Values(LaunchBy::Exec, LaunchBy::Nursery), launch_name);

TEST_P(FailureTest, AResultThatIsCutShortIsALostTask) {
  const Outcome& outcome = lost(open(1), "cut-result:almost all of it");
  EXPECT_EQ(outcome.exit.signal, SIGKILL);
}

TEST_P(FailureTest, ALengthWhoseBytesNeverComeIsALostTask) {
  const PoolId pool = open(1);
  lost(pool, "huge-length:" + std::to_string(kBodyBytesMax));
  lost(pool, "huge-length:" + std::to_string(std::uint64_t{1} << 20));
}

TEST_P(FailureTest, ALengthOverTheLimitEndsTheWorker) {
  const PoolId pool = open(1);
  lost(pool, "huge-length:" + std::to_string(kBodyBytesMax + 1));
  lost(pool, "huge-length:" + std::to_string(~std::uint64_t{0}));
}

TEST_P(FailureTest, APacketThatDoesNotFitEndsTheWorker) {
  const PoolId pool = open(1);
  for (const char* verb : {"wrong-task:", "wrong-kind:", "ready-again:", "no-descriptor:"}) {
    EXPECT_FALSE(lost(pool, verb).message.empty());
  }
}

TEST_P(FailureTest, AWorkerThatClosesItsChannelAndStaysIsEnded) {
  const PoolId pool = open(1);
  const pid_t pid = pid_from(pool, "pid");
  lost(pool, "close-channel:");
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_P(FailureTest, EventsThatCameBeforeTheDeathAreKept) {
  const PoolId pool = open(1);
  const TaskId task = submit(pool, "event-and-die:last news");
  EXPECT_EQ(finished(task).kind, OutcomeKind::Lost);
  const auto events = engine_->take_events(task);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(text_of(events[0]), "last news");
}

TEST_P(FailureTest, AChildThatHoldsTheChannelDoesNotHideTheDeathOfItsWorker) {
  lost(open(1), "leave-child:");
}

TEST_P(FailureTest, NeitherManyEventsNorMuchOutputBlocksAWorker) {
  const PoolId pool = open(1);
  const TaskId talks = submit(pool, "events:5000");
  EXPECT_EQ(answer(talks), "5000");
  EXPECT_EQ(engine_->take_events(talks).size(), 5000u);
  EXPECT_EQ(answer(submit(pool, "print:3000000")), "3000000");
}

TEST_P(FailureTest, AnIdleWorkerThatDiesIsReplaced) {
  const PoolId pool = open(2);
  const pid_t killed = pid_from(pool, "pid");
  ASSERT_EQ(::kill(killed, SIGKILL), 0);
  wait_until([&] {
    const auto up = pids(pool);
    return up.size() == 2 && std::find(up.begin(), up.end(), killed) == up.end();
  });
  EXPECT_EQ(answer(submit(pool, "echo:fine")), "fine");
}

TEST_P(FailureTest, WorkersThatDieIdleAgainAndAgainBreakThePool) {
  const PoolId pool = open(1);
  const auto is_broken = [&] { return !engine_->pool_status(pool).broken.empty(); };
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!is_broken()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    for (const pid_t pid : pids(pool)) ::kill(pid, SIGKILL);
    std::this_thread::yield();
  }
  EXPECT_EQ(finished(submit(pool, "echo:x")).kind, OutcomeKind::NotStarted);
}

TEST_P(FailureTest, APoolCanBeClosedWhileItsWorkersStart) {
  const PoolId pool = open(3, "hang");
  const TaskId task = submit(pool, "echo:x");
  engine_->close_pool(pool);
  EXPECT_EQ(finished(task).kind, OutcomeKind::Cancelled);
  EXPECT_EQ(answer(submit(open(1), "echo:another")), "another");
}

TEST_P(FailureTest, AnEngineCanEndWhileWorkersStartRunAndDie) {
  const PoolId starting = open(2, "hang");
  const PoolId pool = open(2);
  submit(starting, "echo:x");
  wait_until_running(submit(pool, "stubborn:"));
  submit(pool, "die-soon:9");
  engine_.reset();
}

// Kills, cancels and ordinary work in an order that the seed decides.
TEST_P(FailureTest, EveryTaskSettlesOnceWhateverDiesAroundIt) {
  // The same in each run; ELSEWHERE_SEED=random looks for other orders.
  const char* asked = std::getenv("ELSEWHERE_SEED");
  const std::string wanted = asked == nullptr ? "1" : asked;
  const std::uint64_t seed = wanted == "random" ? std::random_device{}() : std::stoull(wanted);
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  const std::vector<std::string> verbs{
      "echo:ok", "echo:ok",     "echo:ok",        "die:9",          "exit:3",
      "sleep:1", "event:x",     "cut-result:abc", "garbage:",       "stubborn:",
      "wait:",   "die-soon:11", "leave-child:",   "event-and-die:x"};
  const PoolId pool = open(3);
  std::vector<TaskId> tasks;
  for (int i = 0; i < 60; ++i) {
    TaskOptions options;
    options.retries = static_cast<int>(random() % 2);
    options.timeout = milliseconds(50);
    tasks.push_back(submit(pool, verbs[below(verbs.size())], options));
    if (random() % 4 == 0) {
      engine_->cancel(tasks[below(tasks.size())], milliseconds(below(20)));
    }
  }
  ASSERT_EQ(engine_->wait(tasks, tasks.size(), WaitEvents::Ignore, 3 * kDeadline).value(),
            WaitEnd::Settled);
  EXPECT_EQ(answer(submit(pool, "echo:after")), "after");
  EXPECT_TRUE(engine_->pool_status(pool).broken.empty());
}

// --- the nursery ----------------------------------------------------------------

// Where it does not fork, the workers' parent is this process, which would stop itself.
class NurseryTest : public FailureTest {
 protected:
  void SetUp() override {
    if (!count_threads()) GTEST_SKIP() << "the system does not tell how many threads there are";
    FailureTest::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Forked, NurseryTest, testing::Values(LaunchBy::Nursery), launch_name);

TEST_P(NurseryTest, ItsWorkersOutliveItAndAreReplacedWhenTheyDie) {
  const PoolId pool = open(1);
  const pid_t nursery = pid_from(pool, "parent");
  const pid_t worker = pid_from(pool, "pid");
  ASSERT_EQ(::kill(nursery, SIGKILL), 0);
  wait_until([&] { return ::kill(nursery, 0) != 0; });
  EXPECT_EQ(pid_from(pool, "pid"), worker);
  lost(pool, "die:9");
  EXPECT_EQ(answer(submit(open(1), "echo:another pool")), "another pool");
}

// It is stopped, so that the requests for all four workers are under way when
// it dies.
TEST_P(NurseryTest, ItsDeathWhileItForksDoesNotBreakAPool) {
  const PoolId pool = open(4);
  const pid_t nursery = pid_from(pool, "parent");
  wait_until([&] { return pids(pool).size() == 4; });
  ASSERT_EQ(::kill(nursery, SIGSTOP), 0);
  for (const pid_t pid : pids(pool)) ::kill(pid, SIGKILL);
  wait_until([&] { return pids(pool).empty(); });
  ASSERT_EQ(::kill(nursery, SIGKILL), 0);
  EXPECT_EQ(answer(submit(pool, "echo:alive")), "alive");
  EXPECT_EQ(engine_->pool_status(pool).broken, "");
}

TEST(EngineStart, SaysWhatTheSystemRefusesAndTheWayOut) {
  if (std::string(ELSEWHERE_OS) != "linux") GTEST_SKIP() << "this build does without it";
  const int epoll = ::epoll_create1(0);
  const bool is_refused = epoll < 0 && errno == EPERM;
  if (epoll >= 0) ::close(epoll);
  if (!is_refused) GTEST_SKIP() << "epoll_create1() is not refused";
  const auto engine = Engine::start();
  ASSERT_FALSE(engine.ok());
  const std::string& said = engine.error().message;
  EXPECT_NE(said.find("epoll: Operation not permitted"), std::string::npos) << said;
  EXPECT_NE(said.find("ELSEWHERE_OS=portable"), std::string::npos) << said;
}

}  // namespace
}  // namespace elsewhere
