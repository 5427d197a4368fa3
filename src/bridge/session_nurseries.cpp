#include "bridge/session_nurseries.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace elsewhere {
namespace {

// Each is an R process. Who starts sessions in more ways than this gets them by
// starting R each time.
constexpr std::size_t kNurseriesMax = 3;

}  // namespace

Result<SessionNurseries::Asked> SessionNurseries::fork_session(const std::string& key,
                                                               const LaunchSpec& spec,
                                                               std::span<const std::byte> functions,
                                                               SessionRequest request) {
  drop_what_ended();
  // Twice: a nursery may end at the moment it is asked.
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto found = std::find_if(entries_.begin(), entries_.end(),
                              [&](const Entry& entry) { return entry.key == key; });
    if (found == entries_.end()) {
      if (entries_.size() >= kNurseriesMax) return Asked{};
      auto started = SessionNursery::start(spec, functions);
      if (!started.ok()) return started.error();
      entries_.push_back({key, std::move(started.value())});
      found = entries_.end() - 1;
    }
    request.number = TaskId{++last_request_};
    auto joint = found->nursery.fork_session(request);
    if (joint.ok()) return Asked{std::move(joint.value()), request.number};
    leaving_.push_back(std::move(found->nursery));
    entries_.erase(found);
  }
  return Asked{};
}

Result<std::optional<Process>> SessionNurseries::forked(TaskId request, Deadline deadline) {
  for (Entry& entry : entries_) {
    auto process = entry.nursery.forked(request, deadline);
    if (!process.ok() || process.value()) return process;
  }
  return std::optional<Process>{};
}

void SessionNurseries::forget(TaskId request) {
  for (Entry& entry : entries_) entry.nursery.forget(request);
}

void SessionNurseries::drop_what_ended() {
  if (owner_ != ::getpid()) {
    entries_.clear();
    leaving_.clear();
    owner_ = ::getpid();
  }
  std::erase_if(entries_, [](Entry& entry) { return entry.nursery.has_ended(); });
  std::erase_if(leaving_, [](SessionNursery& nursery) { return nursery.has_ended(); });
}

void SessionNurseries::stop() {
  drop_what_ended();
  for (Entry& entry : entries_) {
    entry.nursery.close();
    leaving_.push_back(std::move(entry.nursery));
  }
  entries_.clear();
}

std::vector<pid_t> SessionNurseries::pids() {
  drop_what_ended();
  std::vector<pid_t> pids;
  for (const Entry& entry : entries_) pids.push_back(entry.nursery.pid());
  return pids;
}

// Never destroyed: finalizers of sessions run while the process ends.
SessionNurseries& session_nurseries() {
  static auto* nurseries = [] {
    // What a nursery has left that was killed is removed when it is found dead.
    std::atexit([] { session_nurseries().pids(); });
    return new SessionNurseries();
  }();
  return *nurseries;
}

}  // namespace elsewhere
