#include "engine/engine.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <future>
#include <set>

#include "fakes/engine_fixture.h"

#include "engine/os/wakeup.h"

namespace elsewhere {
namespace {

TaskOptions retrying(int retries) {
  TaskOptions options;
  options.retries = retries;
  return options;
}

TaskOptions limited(milliseconds timeout) {
  TaskOptions options;
  options.timeout = timeout;
  return options;
}

TaskOptions urgent(int priority) {
  TaskOptions options;
  options.priority = priority;
  return options;
}

INSTANTIATE_TEST_SUITE_P(BothLaunches, EngineTest,
                         testing::Values(LaunchBy::Exec, LaunchBy::Nursery), launch_name);

TEST_P(EngineTest, RunsATaskOnAWorkerAndKeepsItsAnswer) {
  EXPECT_EQ(answer(submit(open(1), "echo:hello")), "hello");
}

TEST_P(EngineTest, AWaitEndsWhenAnotherDescriptorCanBeRead) {
  const std::vector tasks{submit(open(1), "wait:")};
  Result<Wakeup> opened = Wakeup::open();
  Wakeup& other = opened.value();
  std::thread raiser([&] { other.raise(); });
  const std::vector also{other.fd()};
  EXPECT_EQ(engine_->wait(tasks, 1, WaitEvents::Ignore, kDeadline, also).value(),
            WaitEnd::TimedOut);
  raiser.join();
  engine_->cancel(tasks[0], milliseconds(0));
  EXPECT_EQ(engine_->wait(tasks, 1, WaitEvents::Ignore, kDeadline, also).value(), WaitEnd::Settled);
}

TEST_P(EngineTest, RunsManyTasksOnAFewWorkersEachOnce) {
  const PoolId pool = open(3);
  std::vector<TaskId> tasks;
  for (int i = 0; i < 500; ++i) tasks.push_back(submit(pool, "echo:" + std::to_string(i)));
  ASSERT_EQ(engine_->wait(tasks, tasks.size(), WaitEvents::Ignore, kDeadline).value(),
            WaitEnd::Settled);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(answer(tasks[static_cast<std::size_t>(i)]), std::to_string(i));
  }
}

TEST_P(EngineTest, CarriesBodiesLargerThanASocketTakesAtOnce) {
  const std::string large(8 << 20, 'z');
  EXPECT_EQ(answer(submit(open(1), "echo:" + large)), large);
}

TEST_P(EngineTest, FailsOnlyTheTaskThatADeadWorkerHadStartedAndReplacesTheWorker) {
  const PoolId pool = open(1);
  const TaskId killed = submit(pool, "die:9");
  const TaskId next = submit(pool, "echo:fine");
  const Outcome& outcome = finished(killed);
  EXPECT_EQ(outcome.kind, OutcomeKind::Lost);
  EXPECT_EQ(outcome.exit.signal, SIGKILL);
  EXPECT_NE(outcome.message.find("signal 9"), std::string::npos) << outcome.message;
  EXPECT_EQ(answer(next), "fine");
}

TEST_P(EngineTest, TellsTheExitStatusOfAWorkerThatQuit) {
  const Outcome& outcome = finished(submit(open(1), "exit:7"));
  EXPECT_EQ(outcome.kind, OutcomeKind::Lost);
  EXPECT_EQ(outcome.exit.status, 7);
  EXPECT_EQ(outcome.exit.signal, 0);
}

TEST_P(EngineTest, ShowsTheLastOutputOfALostWorker) {
  const Outcome& outcome = finished(submit(open(1), "print-and-die:my last words"));
  EXPECT_EQ(outcome.kind, OutcomeKind::Lost);
  EXPECT_EQ(outcome.output, "my last words");
}

TEST_P(EngineTest, RunsALostTaskAgainAsOftenAsItsRetriesAllow) {
  const PoolId pool = open(1);
  char name[] = "/tmp/elsewhere-engine-test-XXXXXX";
  ::close(::mkstemp(name));
  ::unlink(name);
  EXPECT_EQ(answer(submit(pool, std::string("once:") + name, retrying(1))), "second time");
  ::unlink(name);
  EXPECT_EQ(finished(submit(pool, "die:9", retrying(2))).kind, OutcomeKind::Lost);
}

TEST_P(EngineTest, EndsAWorkerThatSendsWhatIsNoPacket) {
  const PoolId pool = open(1);
  const Outcome& outcome = finished(submit(pool, "garbage:"));
  EXPECT_EQ(outcome.kind, OutcomeKind::Lost);
  EXPECT_EQ(answer(submit(pool, "echo:again")), "again");
}

TEST_P(EngineTest, TellsWhyAResultCouldNotTravelAndThatATaskJumpedAway) {
  const PoolId pool = open(1);
  const Outcome& outcome = finished(submit(pool, "unserializable:a connection"));
  EXPECT_EQ(outcome.kind, OutcomeKind::Unserializable);
  EXPECT_EQ(outcome.message, "a connection");
  EXPECT_EQ(finished(submit(pool, "abort:")).kind, OutcomeKind::Aborted);
}

TEST_P(EngineTest, HandsOutEventsWhileTheTaskRuns) {
  const TaskId task = submit(open(1), "event-and-wait:halfway");
  const std::vector ids{task};
  ASSERT_EQ(engine_->wait(ids, ids.size(), WaitEvents::Return, kDeadline).value(), WaitEnd::Event);
  const auto events = engine_->take_events(task);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(text_of(events[0]), "halfway");
  EXPECT_EQ(engine_->task_state(task), TaskState::Running);
  EXPECT_TRUE(engine_->cancel(task, kDeadline));
}

TEST_P(EngineTest, CancelsAQueuedTaskWithoutTouchingTheRunningOne) {
  const PoolId pool = open(1);
  const TaskId running = submit(pool, "wait:");
  const TaskId queued = submit(pool, "echo:never");
  EXPECT_TRUE(engine_->cancel(queued, milliseconds(0)));
  EXPECT_EQ(finished(queued).kind, OutcomeKind::Cancelled);
  EXPECT_NE(engine_->task_state(running), TaskState::Settled);
  EXPECT_TRUE(engine_->cancel(running, kDeadline));
  EXPECT_FALSE(engine_->cancel(running, milliseconds(0)));
}

TEST_P(EngineTest, InterruptsARunningTaskAndKeepsItsWorker) {
  const PoolId pool = open(1);
  const std::string pid = answer(submit(pool, "pid:"));
  const TaskId task = submit(pool, "wait:");
  wait_until_running(task);
  EXPECT_TRUE(engine_->cancel(task, kDeadline));
  EXPECT_EQ(finished(task).kind, OutcomeKind::Cancelled);
  EXPECT_EQ(answer(submit(pool, "pid:")), pid);
}

TEST_P(EngineTest, KillsAWorkerWhoseTaskIgnoresTheInterrupt) {
  const PoolId pool = open(1);
  const std::string pid = answer(submit(pool, "pid:"));
  const TaskId task = submit(pool, "stubborn:");
  wait_until_running(task);
  EXPECT_TRUE(engine_->cancel(task, milliseconds(20)));
  EXPECT_NE(answer(submit(pool, "pid:")), pid);
}

TEST_P(EngineTest, EndsATaskAtItsTimeLimit) {
  const PoolId pool = open(1);
  const TaskId task = submit(pool, "wait:", limited(milliseconds(20)));
  EXPECT_EQ(finished(task).kind, OutcomeKind::TimedOut);
  EXPECT_EQ(answer(submit(pool, "echo:next")), "next");
}

TEST_P(EngineTest, RunsAHigherPriorityFirst) {
  const PoolId pool = open(1);
  const TaskId blocker = submit(pool, "wait:");
  wait_until_running(blocker);
  const TaskId low = submit(pool, "wait:", urgent(-1));
  const TaskId high = submit(pool, "echo:high", urgent(5));
  EXPECT_TRUE(engine_->cancel(blocker, kDeadline));
  EXPECT_EQ(answer(high), "high");
  EXPECT_NE(engine_->task_state(low), TaskState::Settled);
}

TEST_P(EngineTest, FreesTheWorkerOfATaskThatNobodyAsksForAnyMore) {
  const PoolId pool = open(1);
  const TaskId task = submit(pool, "wait:");
  wait_until_running(task);
  engine_->forget_later(task);
  EXPECT_EQ(answer(submit(pool, "echo:free")), "free");
}

TEST_P(EngineTest, RunsATaskAgainThatOnlyWaitedInAWorkerThatDied) {
  const PoolId pool = open(1);
  learn_that_tasks_are_quick(pool);
  const TaskId killed = submit(pool, "die-soon:9");
  const TaskId behind = submit(pool, "echo:unharmed");
  const TaskId last = submit(pool, "echo:neither");
  EXPECT_EQ(finished(killed).kind, OutcomeKind::Lost);
  EXPECT_EQ(answer(behind), "unharmed");
  EXPECT_EQ(answer(last), "neither");
}

TEST_P(EngineTest, CancelsATaskThatWaitsInAWorkerWithoutHarmToTheOneBeforeIt) {
  const PoolId pool = open(1);
  learn_that_tasks_are_quick(pool);
  const std::string pid = answer(submit(pool, "pid:"));
  const TaskId first = submit(pool, "sleep:50");
  const TaskId behind = submit(pool, "wait:");
  EXPECT_TRUE(engine_->cancel(behind, milliseconds(0)));
  EXPECT_EQ(answer(first), "slept");
  EXPECT_EQ(finished(behind).kind, OutcomeKind::Cancelled);
  EXPECT_EQ(answer(submit(pool, "echo:next")), "next");
}

TEST_P(EngineTest, CancelsARunningTaskThatHasAnotherBehindIt) {
  const PoolId pool = open(1);
  learn_that_tasks_are_quick(pool);
  const TaskId first = submit(pool, "stubborn:");
  const TaskId behind = submit(pool, "echo:unharmed");
  EXPECT_TRUE(engine_->cancel(first, milliseconds(20)));
  EXPECT_EQ(answer(behind), "unharmed");
}

TEST_P(EngineTest, BreaksThePoolWithTheWorkersWordsWhenNoWorkerBecomesReady) {
  const PoolId pool = open(2, "print-and-exit");
  const Outcome& outcome = finished(submit(pool, "echo:x"));
  EXPECT_EQ(outcome.kind, OutcomeKind::NotStarted);
  EXPECT_NE(outcome.message.find("cannot open the library"), std::string::npos) << outcome.message;
  EXPECT_EQ(finished(submit(pool, "echo:x")).kind, OutcomeKind::NotStarted);
  EXPECT_FALSE(engine_->pool_status(pool).broken.empty());
}

TEST_P(EngineTest, TellsWhyAWorkerCouldNotBePrepared) {
  const Outcome& outcome = finished(submit(open(1, "fail"), "echo:x"));
  EXPECT_EQ(outcome.kind, OutcomeKind::NotStarted);
  EXPECT_NE(outcome.message.find("there is no library"), std::string::npos) << outcome.message;
}

TEST_P(EngineTest, GivesUpOnAWorkerThatDoesNotBecomeReadyInTime) {
  const Outcome& outcome = finished(submit(open(1, "hang", milliseconds(50)), "echo:x"));
  EXPECT_EQ(outcome.kind, OutcomeKind::NotStarted);
}

TEST_P(EngineTest, CancelsWhatHasNotSettledWhenItsPoolCloses) {
  const PoolId pool = open(1);
  const TaskId running = submit(pool, "wait:");
  const TaskId queued = submit(pool, "echo:x");
  engine_->close_pool(pool);
  EXPECT_EQ(finished(running).kind, OutcomeKind::Cancelled);
  EXPECT_EQ(finished(queued).kind, OutcomeKind::Cancelled);
  EXPECT_EQ(finished(submit(pool, "echo:x")).kind, OutcomeKind::Cancelled);
  EXPECT_FALSE(engine_->pool_status(pool).is_open);
}

TEST_P(EngineTest, WaitsForAsManyTasksAsAreWanted) {
  const PoolId pool = open(2);
  const std::vector tasks{submit(pool, "wait:"), submit(pool, "echo:one"),
                          submit(pool, "echo:two")};
  EXPECT_EQ(engine_->wait(tasks, 2, WaitEvents::Ignore, kDeadline).value(), WaitEnd::Settled);
  EXPECT_EQ(engine_->task_state(tasks[1]), TaskState::Settled);
  EXPECT_EQ(engine_->task_state(tasks[2]), TaskState::Settled);
  EXPECT_EQ(engine_->wait(tasks, 0, WaitEvents::Ignore, kDeadline).value(), WaitEnd::Settled);
}

TEST_P(EngineTest, OneLookTellsHowFarATaskIs) {
  const PoolId pool = open(2);
  const TaskId waiting = submit(pool, "wait:"), done = submit(pool, "echo:x");
  const std::vector tasks{waiting, done};
  ASSERT_EQ(engine_->wait(tasks, 1, WaitEvents::Ignore, kDeadline).value(), WaitEnd::Settled);
  EXPECT_EQ(engine_->view(waiting).outcome, nullptr);
  EXPECT_NE(engine_->view(waiting).state, TaskState::Settled);
  EXPECT_EQ(engine_->view(done).state, TaskState::Settled);
  EXPECT_FALSE(engine_->view(done).has_events);
  ASSERT_NE(engine_->view(done).outcome, nullptr);
  EXPECT_EQ(engine_->view(done).outcome->kind, OutcomeKind::Value);
  // Forgotten at once; what still runs is interrupted.
  engine_->forget(done);
  engine_->forget(waiting);
}

TEST_P(EngineTest, WaitsForAnyOfSeveralTasks) {
  const PoolId pool = open(2);
  const std::vector tasks{submit(pool, "wait:"), submit(pool, "echo:done")};
  EXPECT_EQ(engine_->wait(tasks, 1, WaitEvents::Ignore, kDeadline).value(), WaitEnd::Settled);
  EXPECT_EQ(engine_->wait(tasks, tasks.size(), WaitEvents::Ignore, milliseconds(10)).value(),
            WaitEnd::TimedOut);
}

TEST_P(EngineTest, TellsOnceThatATaskHasSettled) {
  const PoolId pool = open(1);
  std::promise<void> told;
  engine_->on_notified([&] { told.set_value(); });
  const TaskId task = submit(pool, "echo:x");
  engine_->notify_when_settled(task);
  ASSERT_EQ(told.get_future().wait_for(kDeadline), std::future_status::ready);
  EXPECT_EQ(engine_->take_notified(), std::vector{task});
  EXPECT_TRUE(engine_->take_notified().empty());
}

TEST_P(EngineTest, ReplacesAWorkerThatHasAnsweredEnoughTasks) {
  PoolSpec spec = spec_for(1);
  spec.recycling.tasks = 2;
  const PoolId pool = engine_->open_pool(std::move(spec));
  std::vector<std::string> pids;
  for (int i = 0; i < 6; ++i) pids.push_back(answer(submit(pool, "pid:")));
  EXPECT_EQ(pids[0], pids[1]);
  EXPECT_EQ(pids[2], pids[3]);
  EXPECT_EQ((std::set<std::string>(pids.begin(), pids.end()).size()), 3u);
}

TEST_P(EngineTest, AnErrandGoesToEachWorkerBeforeWhatIsSubmittedLater) {
  const PoolId pool = open(2);
  ASSERT_EQ(*engine_->wait_for_start(pool, kDeadline).value(), "");
  const TaskId slow = submit(pool, "sleep:100");
  const auto errands = engine_->submit_everywhere(pool, parcel_with("pid:"), WorkerId{0});
  ASSERT_EQ(errands.size(), 2u);
  std::vector<TaskId> later;
  for (int i = 0; i < 20; ++i) later.push_back(submit(pool, "pid:"));
  std::set<std::string> pids{answer(errands[0].task), answer(errands[1].task)};
  EXPECT_EQ(pids.size(), 2u);
  EXPECT_EQ(answer(slow), "slept");
  for (const TaskId task : later) EXPECT_TRUE(pids.contains(answer(task)));
  // Nobody has come since.
  const WorkerId last = std::max(errands[0].worker, errands[1].worker);
  EXPECT_TRUE(engine_->submit_everywhere(pool, parcel_with("pid:"), last).empty());
}

TEST_P(EngineTest, AnErrandOfAWorkerThatLeavesIsCancelled) {
  const PoolId pool = open(1);
  ASSERT_EQ(*engine_->wait_for_start(pool, kDeadline).value(), "");
  const TaskId endless = submit(pool, "wait:");
  const auto errands = engine_->submit_everywhere(pool, parcel_with("pid:"), WorkerId{0});
  ASSERT_EQ(errands.size(), 1u);
  EXPECT_TRUE(errands[0].was_busy);
  engine_->cancel(endless, milliseconds(0));
  EXPECT_EQ(finished(errands[0].task).kind, OutcomeKind::Cancelled);
  EXPECT_EQ(answer(submit(pool, "echo:next")), "next");
}

TEST_P(EngineTest, WorkersOfLaterGetTheNewSetup) {
  const PoolId pool = open(1);
  EXPECT_EQ(answer(submit(pool, "echo:one")), "one");
  engine_->set_setup(pool, parcel_of("fail"), parcel_of(""));
  EXPECT_EQ(answer(submit(pool, "echo:two")), "two");
  EXPECT_EQ(finished(submit(pool, "die:" + std::to_string(SIGKILL))).kind, OutcomeKind::Lost);
  const Outcome& outcome = finished(submit(pool, "echo:three"));
  EXPECT_EQ(outcome.kind, OutcomeKind::NotStarted);
  EXPECT_NE(outcome.message.find("there is no library"), std::string::npos);
}

TEST_P(EngineTest, EndsAWorkerThatStaysStopped) {
  const PoolId pool = open(1);
  const TaskId task = submit(pool, "die:" + std::to_string(SIGSTOP));
  const Outcome& outcome = finished(task);
  EXPECT_EQ(outcome.kind, OutcomeKind::Lost);
  EXPECT_NE(outcome.message.find("stopped by a signal"), std::string::npos);
  EXPECT_EQ(answer(submit(pool, "echo:next")), "next");
}

TEST_P(EngineTest, LeavesNoProcessBehind) {
  std::set<pid_t> pids;
  const PoolId pool = open(3);
  answer(submit(pool, "pid:"));
  for (const pid_t pid : engine_->pool_status(pool).pids) pids.insert(pid);
  engine_.reset();
  for (const pid_t pid : pids) {
    EXPECT_NE(::kill(pid, 0), 0) << pid << " is still there";
  }
}

}  // namespace
}  // namespace elsewhere
