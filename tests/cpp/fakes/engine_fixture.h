// An engine whose workers are the fake ones, for each way of starting them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"

namespace elsewhere {

using std::chrono::milliseconds;
// Guards against waiting for ever: a slow machine never comes near it.
inline constexpr std::chrono::seconds kDeadline{60};

inline std::string text_of(const Parcel& parcel) {
  std::string text(static_cast<std::size_t>(parcel.size_bytes()), '\0');
  EXPECT_TRUE(parcel.read(0, std::as_writable_bytes(std::span(text))).ok());
  return text;
}

class EngineTest : public testing::TestWithParam<LaunchBy> {
 protected:
  void SetUp() override { engine_ = std::move(Engine::start().value()); }

  static Parcel parcel_with(const std::string& text) {
    return Parcel(Bytes(std::as_bytes(std::span(text))));
  }
  static SharedParcel parcel_of(const std::string& text) {
    return std::make_shared<const Parcel>(parcel_with(text));
  }
  PoolSpec spec_for(int workers, const std::string& setup = "", milliseconds patience = kDeadline) {
    PoolSpec spec;
    spec.workers = workers;
    spec.launch = {FAKE_WORKER, {}, current_environment()};
    spec.launch_by = GetParam();
    spec.setup = parcel_of(setup);
    spec.start_patience = patience;
    return spec;
  }
  PoolId open(int workers, const std::string& setup = "", milliseconds patience = kDeadline) {
    return engine_->open_pool(spec_for(workers, setup, patience));
  }
  TaskId submit(PoolId pool, const std::string& text, TaskOptions options = {}) {
    return engine_->submit(pool, parcel_with(text), options);
  }
  const Outcome& finished(TaskId task) {
    const std::vector ids{task};
    EXPECT_EQ(engine_->wait(ids, ids.size(), WaitEvents::Ignore, kDeadline).value(),
              WaitEnd::Settled);
    return engine_->outcome(task);
  }
  std::string answer(TaskId task) {
    const Outcome& outcome = finished(task);
    EXPECT_EQ(outcome.kind, OutcomeKind::Value) << outcome.message;
    return text_of(outcome.value);
  }
  // From then on a busy worker gets a second task to wait behind the first.
  void learn_that_tasks_are_quick(PoolId pool) {
    for (int i = 0; i < 60; ++i) answer(submit(pool, "echo:"));
  }
  void wait_until_running(TaskId task) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (engine_->task_state(task) == TaskState::Queued) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  std::unique_ptr<Engine> engine_;
};

inline std::string launch_name(const testing::TestParamInfo<LaunchBy>& info) {
  return info.param == LaunchBy::Nursery ? "Nursery" : "Exec";
}

}  // namespace elsewhere
