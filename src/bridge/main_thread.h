// Proof that the code at hand runs on R's main thread, inside a door that turns
// C++ exceptions and R's long jumps into each other. Only guard() makes one, so
// whatever takes a `MainThread&` may call R, and nothing else may.
#pragma once

#include <type_traits>

namespace elsewhere {

class MainThread {
 public:
  MainThread(const MainThread&) = delete;
  MainThread& operator=(const MainThread&) = delete;

 private:
  MainThread() {}
  friend class Door;
};

static_assert(!std::is_aggregate_v<MainThread>);

}  // namespace elsewhere
