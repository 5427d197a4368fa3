#include "engine/workers/worker.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/workers/stop_watch.h"

namespace elsewhere {
namespace {

constexpr std::chrono::milliseconds kReadPatience{2};

}  // namespace

void Worker::start_by_exec(Turn& turn, const LaunchSpec& spec, SharedParcel setup,
                           std::chrono::milliseconds patience) {
  begin(turn, std::move(setup), patience);
  launched(turn, launch_by_exec(spec));
}

void Worker::start_remote(Turn& turn, const RemoteSpec& spec, SharedParcel setup,
                          std::chrono::milliseconds patience) {
  begin(turn, std::move(setup), patience);
  launched(turn, launch_remote(spec));
}

void Worker::start_by_nursery(Turn& turn, Nursery& nursery, SharedParcel environment,
                              SharedParcel setup, std::chrono::milliseconds patience) {
  begin(turn, std::move(setup), patience);
  nursery_ = &nursery;
  nursery.fork_worker(turn, id_, std::move(environment), *this);
}

void Worker::begin(Turn& turn, SharedParcel setup, std::chrono::milliseconds patience) {
  setup_ = std::move(setup);
  start_timer_ = loop_.after(turn, patience, [this](Turn& now) {
    start_timer_.reset();
    if (peer_) {
      peer_->kill(now, "did not become ready in time");
    } else {
      dismiss(now);
    }
  });
}

void Worker::launched(Turn& turn, Result<Launched> launched) {
  if (!launched.ok()) {
    // Reported from the I/O thread, so that a pool never hears of a failure
    // while it is still in the middle of starting the worker.
    loop_.post([this, message = launched.error().message](Turn& now) {
      gone(now, {-1, {}, "", message});
    });
    return;
  }
  peer_.emplace(turn, loop_, std::move(launched.value()), static_cast<PeerListener&>(*this));
  peer_->send(turn, PacketKind::Setup, kNoTask, std::exchange(setup_, nullptr));
}

void Worker::on_forked(Turn& turn, Result<Launched> result) { launched(turn, std::move(result)); }

void Worker::on_exit_reported(Turn& turn, const ExitStatus& exit) {
  if (peer_) peer_->exit_reported(turn, exit);
}

void Worker::run(Turn& turn, TaskId task, SharedParcel payload) {
  const bool has_room = state_ == WorkerState::Idle || tasks_.size() == 1;
  ensure(has_room, "a task was given to a worker that is full");
  state_ = WorkerState::Busy;
  if (tasks_.empty()) running_since_ = std::chrono::steady_clock::now();
  tasks_.push_back(task);
  peer_->send(turn, PacketKind::Run, task, std::move(payload));
  if (!stop_timer_) look_whether_stopped(turn);
}

// From the first task on as long as it is busy: it looks again at each turn of
// the timer, and not at all while it is idle.
void Worker::look_whether_stopped(Turn& turn) {
  stop_timer_ = loop_.after(turn, StopWatch::kPause, [this](Turn& now) {
    stop_timer_.reset();
    if (state_ != WorkerState::Busy) return void(stopped_looks_ = 0);
    stopped_looks_ = peer_->is_halted() ? stopped_looks_ + 1 : 0;
    if (stopped_looks_ >= StopWatch::kLooksMax) {
      return peer_->kill(now, std::string("it ") + kStoppedWords);
    }
    look_whether_stopped(now);
  });
}

std::chrono::steady_clock::duration Worker::age() const {
  return std::chrono::steady_clock::now() - ready_since_;
}

bool Worker::has(TaskId task) const {
  return std::find(tasks_.begin(), tasks_.end(), task) != tasks_.end();
}

std::chrono::steady_clock::duration Worker::running_time() const {
  return std::chrono::steady_clock::now() - running_since_;
}

void Worker::interrupt(Turn& turn, TaskId task) {
  if (!has(task)) return;
  const bool is_alone = runs(task) && tasks_.size() == 1;
  if (is_alone && (peer_->is_remote() || peer_->has_read_all())) {
    return peer_->interrupt(turn, task);
  }
  interrupt_timer_ = loop_.after(turn, kReadPatience, [this, task](Turn& now) {
    interrupt_timer_.reset();
    interrupt(now, task);
  });
}

void Worker::kill(Turn& turn, std::string reason) {
  if (peer_) return peer_->kill(turn, std::move(reason));
  dismiss(turn);
}

void Worker::dismiss(Turn& turn) {
  if (peer_) return peer_->close_channel(turn);
  if (nursery_ != nullptr) nursery_->drop(turn, id_);
  if (state_ == WorkerState::Starting) {
    loop_.post([this](Turn& now) { gone(now, {-1, {}, "", "was not started in time"}); });
  }
}

void Worker::on_packet(Turn& turn, Packet packet, std::vector<Fd> descriptors) {
  switch (packet.kind) {
    case PacketKind::Ready:
      if (state_ != WorkerState::Starting) break;
      if (packet.flag == PacketFlag::Failed) {
        const auto* text = reinterpret_cast<const char*>(packet.body.data());
        return peer_->kill(turn, std::string(text, packet.body.size()));
      }
      if (start_timer_) loop_.cancel(turn, *std::exchange(start_timer_, std::nullopt));
      state_ = WorkerState::Idle;
      ready_since_ = std::chrono::steady_clock::now();
      return listener_.on_worker_ready(turn, *this);
    case PacketKind::Event: return on_event(turn, std::move(packet), std::move(descriptors));
    case PacketKind::Result: return on_result(turn, std::move(packet), std::move(descriptors));
    case PacketKind::Setup:
    case PacketKind::Run:
    case PacketKind::Fork:
    case PacketKind::Forked:
    case PacketKind::Exited:
    case PacketKind::Sync:
    case PacketKind::Synced:
    case PacketKind::Signal:
    case PacketKind::Vitals: break;
  }
  peer_->kill(turn, "sent an unexpected packet");
}

void Worker::on_event(Turn& turn, Packet packet, std::vector<Fd> descriptors) {
  if (state_ != WorkerState::Busy || !runs(packet.task)) return;
  const TaskId task = packet.task;
  auto event = Parcel::unpack(std::move(packet), std::move(descriptors));
  if (!event.ok()) return peer_->kill(turn, event.error().message);
  listener_.on_worker_event(turn, *this, task, std::move(event.value()));
}

void Worker::on_result(Turn& turn, Packet packet, std::vector<Fd> descriptors) {
  if (state_ != WorkerState::Busy || !runs(packet.task)) {
    return peer_->kill(turn, "sent the result of a task that it was not running");
  }
  const PacketFlag flag = packet.flag;
  auto parcel = Parcel::unpack(std::move(packet), std::move(descriptors));
  if (!parcel.ok()) return peer_->kill(turn, parcel.error().message);
  const TaskId task = tasks_.front();
  const auto took = running_time();
  tasks_.pop_front();
  ++answered_;
  running_since_ = std::chrono::steady_clock::now();
  if (tasks_.empty()) state_ = WorkerState::Idle;
  listener_.on_worker_result(turn, *this, task, {flag, std::move(parcel.value()), pid(), took});
}

void Worker::on_departed(Turn& turn, const Departure& departure) { gone(turn, departure); }

void Worker::gone(Turn& turn, const Departure& departure) {
  if (state_ == WorkerState::Gone) return;
  if (start_timer_) loop_.cancel(turn, *std::exchange(start_timer_, std::nullopt));
  if (stop_timer_) loop_.cancel(turn, *std::exchange(stop_timer_, std::nullopt));
  if (interrupt_timer_) loop_.cancel(turn, *std::exchange(interrupt_timer_, std::nullopt));
  if (nursery_ != nullptr) nursery_->drop(turn, id_);
  const WorkerState before = std::exchange(state_, WorkerState::Gone);
  listener_.on_worker_gone(turn, *this, before, departure);
}

}  // namespace elsewhere
