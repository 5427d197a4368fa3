// What has happened to the workers of a pool, for whoever wants to know why one
// is there or is not: the last thousand events, and counts of all.
// Every call is made under the turn; none blocks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>

#include "engine/base/ids.h"
#include "engine/os/pid.h"

namespace elsewhere {

enum class PoolEventKind {
  Started,     // it is ready for tasks
  Replaced,    // the same, in the place of one that has ended
  Ended,       // by itself, or by what it ran
  Retired,     // it had served as long as it should
  NotStarted,  // it never became ready
};

struct PoolEvent {
  PoolEventKind kind;
  std::chrono::system_clock::time_point at;
  std::size_t place = 0;  // among the workers; the same for those that replace each other
  Pid pid = -1;
  std::string host;  // if not this one
  int tasks = 0;     // that it has answered
  std::string how;   // it ended, with what it printed last
};

class PoolLog {
 public:
  static constexpr std::size_t kEventsMax = 1000;

  void note_ready(std::size_t place, Pid pid, const std::string& host) {
    const bool is_first = seen_.insert(place).second;
    ++started_;
    add({is_first ? PoolEventKind::Started : PoolEventKind::Replaced,
         std::chrono::system_clock::now(), place, pid, host, 0, ""});
  }
  void note_gone(PoolEventKind kind, std::size_t place, Pid pid, const std::string& host, int tasks,
                 std::string how) {
    if (kind != PoolEventKind::NotStarted) ++ended_;
    add({kind, std::chrono::system_clock::now(), place, pid, host, tasks, std::move(how)});
  }
  void note_answer() { ++answered_; }

  const std::deque<PoolEvent>& events() const { return events_; }
  std::uint64_t started() const { return started_; }
  std::uint64_t ended() const { return ended_; }
  std::uint64_t answered() const { return answered_; }

 private:
  void add(PoolEvent event) {
    if (events_.size() == kEventsMax) events_.pop_front();
    events_.push_back(std::move(event));
  }

  std::deque<PoolEvent> events_;
  std::set<std::size_t> seen_;  // places that have had a worker
  std::uint64_t started_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t answered_ = 0;  // tasks
};

}  // namespace elsewhere
