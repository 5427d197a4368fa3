// The I/O thread: waits for bytes, timers and child exits, and hands each to
// its owner. Everything it runs, it runs while holding the turn, the engine's
// one lock; another thread that takes the turn may therefore touch the same
// objects, and use the functions below, exactly as the I/O thread does.
//
// Whoever holds the turn must not block and must not call R.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>

#include "engine/base/result.h"

namespace elsewhere {

// Proof that the caller holds the turn of one loop.
class Turn {
 public:
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  explicit Turn(std::mutex& mutex) : lock_(mutex) {}
  friend class Loop;
  std::unique_lock<std::mutex> lock_;
};
static_assert(!std::is_aggregate_v<Turn>);

enum class TimerId : std::uint64_t {};

class Loop {
 public:
  using Job = std::function<void(Turn&)>;

  Loop();   // starts the thread, with every signal blocked in it
  ~Loop();  // stops it first
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `use(turn)` on the calling thread and returns its value. Waits while
  // the I/O thread is in the middle of a job, which is microseconds.
  template <class Use>
  decltype(auto) with_turn(Use&& use) {
    Turn turn(mutex_);
    return std::forward<Use>(use)(turn);
  }

  // Ends the thread and waits for it; what was posted and has not run is
  // dropped. Not under the turn.
  void stop();

  // What to do when a job throws: memory is out, or an invariant is broken. The
  // loop goes on. Set it before anything is watched.
  void on_failed_job(std::function<void(Turn&, const char* what)> handler);

  // Runs `job` on the I/O thread, after the current turn. Any thread.
  void post(Job job);
  // Runs `job` once, not before `delay` has passed.
  TimerId after(Turn&, std::chrono::milliseconds delay, Job job);
  // A timer that has run or was cancelled is ignored.
  void cancel(Turn&, TimerId timer);

  // Runs `job` whenever `fd` is readable (or hung up), until forget(fd); rarely also
  // when it is not, if a descriptor with its number was forgotten a moment ago.
  void watch_readable(Turn&, int fd, Job job);
  // Runs `job` once, when `fd` is writable. Ignored if one is already waiting.
  void once_writable(Turn&, int fd, Job job);
  // No job of `fd` runs after this. Must come before the descriptor is closed.
  void forget(Turn&, int fd);

  // Around fork(): the turn is held, so that the child inherits it in a known
  // state. In the child the thread does not exist, and the loop must be leaked.
  void before_fork() { mutex_.lock(); }
  void after_fork_in_parent() { mutex_.unlock(); }
  // Closes the descriptors the loop watches, so that the child does not keep
  // the other ends believing that their owner lives.
  void after_fork_in_child();

 private:
  struct Asio;  // what Asio needs, seen by loop.cpp alone
  std::mutex mutex_;
  std::unique_ptr<Asio> asio_;
};

}  // namespace elsewhere
