// One evaluation with one outcome.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/workers/peer.h"

namespace elsewhere {

enum class PoolId : std::uint64_t {};

// Queued ──▶ Running ──▶ Settled; a task whose worker died may go back once more
// to Queued, as often as its retries allow. Settled is final.
enum class TaskState { Queued, Running, Settled };

enum class OutcomeKind {
  Value,           // the value is what the worker's evaluate() returned
  Unserializable,  // it returned something that cannot travel; message says why
  Aborted,         // it jumped to R's top level; message is what R said, if anything
  Lost,            // the worker ended while it ran the task
  Cancelled,
  TimedOut,
  NotStarted,  // no worker could be started
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::Value;
  Parcel value;
  std::string message;
  Pid pid = -1;
  ExitStatus exit;
  std::string output;  // the last a lost worker printed
};

struct TaskOptions {
  int retries = 0;                                   // after the loss of a worker
  std::optional<std::chrono::milliseconds> timeout;  // of running, not of waiting
  int priority = 0;                                  // higher runs earlier
};

struct Task {
  TaskId id;
  PoolId pool;
  TaskState state = TaskState::Queued;
  SharedParcel payload;
  TaskOptions options;
  std::optional<WorkerId> only_in;  // the one worker that may run it
  Outcome outcome;
  std::vector<Parcel> events;  // what came while it ran and has not been taken
  std::optional<TimerId> timer;
  bool is_awaited = false;   // the main thread blocks until it settles
  bool is_notified = false;  // somebody wants a call when it settles
};

}  // namespace elsewhere
