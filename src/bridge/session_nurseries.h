// The nurseries of this process's sessions, by how they were started. R's main
// thread only.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "engine/workers/session_nursery.h"

namespace elsewhere {

class SessionNurseries {
 public:
  // Asks the nursery of this key, which is started if there is none, for a
  // session: the end of the joint that its stand-in gets. No descriptor when
  // there are as many nurseries as there may be, or when none can do it.
  // `functions` go to a new one. The request is numbered here.
  struct Asked {
    Fd joint;
    TaskId request = kNoTask;
  };
  Result<Asked> fork_session(const std::string& key, const LaunchSpec& spec,
                             std::span<const std::byte> functions, SessionRequest request);
  // See SessionNursery::forked().
  Result<std::optional<Process>> forked(TaskId request, Deadline deadline);
  // For a request whose answer nobody will take: the descriptor in it is closed.
  void forget(TaskId request);
  // Lets all of them end; sessions live on.
  void stop();
  std::vector<pid_t> pids();

 private:
  struct Entry {
    std::string key;
    SessionNursery nursery;
  };

  void drop_what_ended();

  std::vector<Entry> entries_;
  std::vector<SessionNursery> leaving_;  // to be collected
  std::uint64_t last_request_ = 0;
  pid_t owner_ = -1;  // a forked child has none of these
};

SessionNurseries& session_nurseries();

}  // namespace elsewhere
