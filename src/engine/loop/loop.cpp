#include "engine/loop/loop.h"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <unordered_map>
#include <utility>

#include "engine/os/fd.h"
#include "engine/os/thread.h"

namespace elsewhere {
namespace {

using Descriptor = asio::posix::stream_descriptor;

// One watched descriptor. Handlers hold it by shared_ptr, so it outlives
// forget() for as long as Asio still has one of them in flight.
struct Watch {
  Watch(asio::io_context& context, int fd) : descriptor(context, fd) {}
  Descriptor descriptor;
  Loop::Job on_readable;
  Loop::Job on_writable;
  bool is_forgotten = false;
};

}  // namespace

struct Loop::Asio {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  // Has Asio make what it waits with, so that a system that refuses it shows now.
  asio::steady_timer first_timer{context};
  std::unordered_map<int, std::shared_ptr<Watch>> watches;
  std::unordered_map<TimerId, std::unique_ptr<asio::steady_timer>> timers;
  std::uint64_t last_timer = 0;
  std::function<void(Turn&, const char*)> on_failed_job;
  std::thread thread;

  std::shared_ptr<Watch> watch_of(int fd) {
    auto& watch = watches[fd];
    if (!watch) watch = std::make_shared<Watch>(context, fd);
    return watch;
  }
  void wait_readable(std::mutex& mutex, const std::shared_ptr<Watch>& watch);
  void run(Turn& turn, const Job& job);
  // Whether a wait has ended because its descriptor is ready.
  bool is_ready(Turn& turn, const Watch& watch, const asio::error_code& error);
};

void Loop::Asio::run(Turn& turn, const Job& job) {
  try {
    job(turn);
  } catch (const std::exception& error) {
    if (on_failed_job) on_failed_job(turn, error.what());
  }
}

// One that cannot be waited for would never be heard of again.
bool Loop::Asio::is_ready(Turn& turn, const Watch& watch, const asio::error_code& error) {
  if (watch.is_forgotten || error == asio::error::operation_aborted) return false;
  if (error && on_failed_job) on_failed_job(turn, error.message().c_str());
  return !error;
}

void Loop::Asio::wait_readable(std::mutex& mutex, const std::shared_ptr<Watch>& watch) {
  watch->descriptor.async_wait(Descriptor::wait_read,
                               [this, &mutex, watch](const asio::error_code& error) {
                                 Turn turn(mutex);
                                 if (!is_ready(turn, *watch, error)) return;
                                 run(turn, watch->on_readable);
                                 if (!watch->is_forgotten) wait_readable(mutex, watch);
                               });
}

Loop::Loop() : asio_(std::make_unique<Asio>()) {
  asio_->thread = start_thread("elsewhere-io", [this] { asio_->context.run(); });
}

void Loop::stop() {
  if (!asio_->thread.joinable()) return;
  asio_->context.stop();
  asio_->thread.join();
}

Loop::~Loop() {
  stop();
  for (auto& [fd, watch] : asio_->watches) watch->descriptor.release();
}

void Loop::on_failed_job(std::function<void(Turn&, const char*)> handler) {
  asio_->on_failed_job = std::move(handler);
}

void Loop::post(Job job) {
  asio::post(asio_->context, [this, job = std::move(job)] {
    Turn turn(mutex_);
    asio_->run(turn, job);
  });
}

TimerId Loop::after(Turn&, std::chrono::milliseconds delay, Job job) {
  const TimerId id{++asio_->last_timer};
  auto timer = std::make_unique<asio::steady_timer>(asio_->context, delay);
  timer->async_wait([this, id, job = std::move(job)](const asio::error_code& error) {
    Turn turn(mutex_);
    // A timer that was cancelled after it fell due is no longer in the table.
    if (error || asio_->timers.erase(id) == 0) return;
    asio_->run(turn, job);
  });
  asio_->timers.emplace(id, std::move(timer));
  return id;
}

void Loop::cancel(Turn&, TimerId timer) { asio_->timers.erase(timer); }

void Loop::watch_readable(Turn&, int fd, Job job) {
  auto watch = asio_->watch_of(fd);
  watch->on_readable = std::move(job);
  asio_->wait_readable(mutex_, watch);
}

void Loop::once_writable(Turn&, int fd, Job job) {
  auto watch = asio_->watch_of(fd);
  if (watch->on_writable) return;
  watch->on_writable = std::move(job);
  watch->descriptor.async_wait(Descriptor::wait_write,
                               [this, watch](const asio::error_code& error) {
                                 Turn turn(mutex_);
                                 const Job ready = std::exchange(watch->on_writable, {});
                                 if (asio_->is_ready(turn, *watch, error)) asio_->run(turn, ready);
                               });
}

void Loop::forget(Turn&, int fd) {
  const auto found = asio_->watches.find(fd);
  if (found == asio_->watches.end()) return;
  found->second->is_forgotten = true;
  found->second->descriptor.release();
  asio_->watches.erase(found);
}

void Loop::after_fork_in_child() {
  for (const auto& [fd, watch] : asio_->watches) Fd closed(fd);
}

}  // namespace elsewhere
