// A value that can be reached only while its mutex is held.
#pragma once

#include <mutex>
#include <utility>

namespace elsewhere {

template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  // Runs `use(value)` under the lock and returns what it returns. `use` must
  // not block and must not call R.
  template <class Use>
  decltype(auto) with(Use&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }

 private:
  std::mutex mutex_;
  T value_;
};

}  // namespace elsewhere
