// The way of a task through the engine: submitted, given to a worker that does
// nothing with it, settled, waited for. The worker is the tests' own, without R.
#include "engine/engine.h"

#include <benchmark/benchmark.h>

#include <string>

namespace elsewhere {
namespace {

constexpr std::chrono::seconds kDeadline{60};

struct OpenEngine {
  explicit OpenEngine(int workers) : engine(std::move(Engine::start().value())) {
    PoolSpec spec;
    spec.workers = workers;
    spec.launch = {FAKE_WORKER, {}, current_environment()};
    spec.launch_by = LaunchBy::Exec;
    spec.setup = std::make_shared<const Parcel>();
    pool = engine->open_pool(std::move(spec));
    // Every worker is up and warm before anything is measured.
    for (int i = 0; i < 100; ++i) settle(std::vector{submit("echo:warm")});
  }
  TaskId submit(const std::string& text) {
    return engine->submit(pool, Parcel(Bytes(std::as_bytes(std::span(text)))), {});
  }
  bool settle(const std::vector<TaskId>& tasks) {
    const auto end = engine->wait(tasks, tasks.size(), WaitEvents::Ignore, kDeadline);
    if (!end.ok() || end.value() != WaitEnd::Settled) return false;
    for (const TaskId task : tasks) {
      if (engine->outcome(task).kind != OutcomeKind::Value) return false;
      engine->forget_later(task);
    }
    return true;
  }

  std::unique_ptr<Engine> engine;
  PoolId pool{};
};

void submit_and_settle_one(benchmark::State& state) {
  OpenEngine open(1);
  const std::string text = "echo:" + std::string(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    if (!open.settle({open.submit(text)})) {
      state.SkipWithError("a task had no value");
      break;
    }
  }
}
// The argument is the payload's size in bytes.
BENCHMARK(submit_and_settle_one)->Arg(0)->Arg(1 << 10)->Arg(64 << 10)->UseRealTime();

void submit_and_settle_many(benchmark::State& state) {
  OpenEngine open(static_cast<int>(state.range(0)));
  constexpr int kTasks = 1000;
  for (auto _ : state) {
    std::vector<TaskId> tasks;
    for (int i = 0; i < kTasks; ++i) tasks.push_back(open.submit("echo:"));
    if (!open.settle(tasks)) {
      state.SkipWithError("a task had no value");
      break;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kTasks);
}
// The argument is the number of workers; an item is a task.
BENCHMARK(submit_and_settle_many)->Arg(1)->Arg(2)->UseRealTime();

void start_and_end(benchmark::State& state, LaunchBy launch_by) {
  auto engine = std::move(Engine::start().value());
  for (auto _ : state) {
    PoolSpec spec;
    spec.launch = {FAKE_WORKER, {}, current_environment()};
    spec.launch_by = launch_by;
    spec.setup = std::make_shared<const Parcel>();
    const PoolId pool = engine->open_pool(std::move(spec));
    const std::string text = "echo:";
    const TaskId task = engine->submit(pool, Parcel(Bytes(std::as_bytes(std::span(text)))), {});
    const auto end = engine->wait(std::vector{task}, 1, WaitEvents::Ignore, kDeadline);
    if (!end.ok() || end.value() != WaitEnd::Settled) {
      state.SkipWithError("the first task did not settle");
      break;
    }
    engine->forget_later(task);
    engine->close_pool(pool);
  }
}
// A pool of one worker (a small process without R) up to its first answer.
BENCHMARK_CAPTURE(start_and_end, exec, LaunchBy::Exec)->UseRealTime();
BENCHMARK_CAPTURE(start_and_end, nursery, LaunchBy::Nursery)->UseRealTime();

}  // namespace
}  // namespace elsewhere
