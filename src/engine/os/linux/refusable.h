// A call of Linux that an old kernel does not have, or that a container refuses. Whether
// it does is decided at the first use, and remembered: by forks as well, which are in
// the same container.
#pragma once

#include <atomic>
#include <cerrno>

namespace elsewhere::linux_only {

class Refusable {
 public:
  bool is_refused() const { return is_refused_.load(std::memory_order_relaxed); }
  // After the call has failed: whether errno says that it always will. Filters of
  // containers answer with either of these; what else may fail is the caller's.
  bool note_failure() {
    if (errno != ENOSYS && errno != EPERM) return false;
    is_refused_.store(true, std::memory_order_relaxed);
    return true;
  }

 private:
  std::atomic<bool> is_refused_{false};
};

}  // namespace elsewhere::linux_only
