#include "engine/tasks/node_task.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "engine/os/process.h"
#include "engine/os/signal.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;

// The question whether a node is done comes after an interrupt has done its work,
// and less and less often, for it may be deep in C code.
constexpr std::chrono::milliseconds kSyncDelay{20}, kSyncAgain{500}, kSyncAgainMax{60000};

constexpr std::string_view kNumberPlace = "00000000";

// How R's serialization starts, in either order of bytes; a packet of ours does not.
bool is_of_r(std::span<const std::byte> start) {
  const auto first = static_cast<char>(start[0]);
  return (first == 'X' || first == 'B') && static_cast<char>(start[1]) == '\n';
}

}  // namespace

void NodeLink::begin(NodeTask& task) {
  current_ = next_number();
  task_ = &task;
  state_ = NodeState::Busy;
  has_started_ = false;
  result_.reset();
  stop_watch_ = {};
}

void NodeLink::lose(std::string why) {
  if (state_ == NodeState::Lost) return;
  hand_over();
  state_ = NodeState::Lost;
  why_lost_ = spec_.name + " " + std::move(why);
  if (task_ != nullptr) std::exchange(task_, nullptr)->lost(why_lost_);
}

void NodeLink::drain() {
  task_ = nullptr;
  look();
  if (state_ != NodeState::Busy) return;
  state_ = NodeState::Draining;
  is_synced_ = false;
  ask_at_ = Clock::now() + kSyncDelay;
  ask_again_ = kSyncAgain;
  if (has_started_ && !result_) interrupt();
}

void NodeLink::interrupt() {
  if (spec_.pid > 0) (void)send_signal(Process{spec_.pid, {}}, kInterruptSignal);
}

void NodeLink::hand_over() {
  if (!result_) return;
  if (task_ != nullptr) std::exchange(task_, nullptr)->take(std::move(*result_));
  result_.reset();
}

void NodeLink::ask_to_sync() {
  const auto now = Clock::now();
  if (is_synced_ || now < ask_at_) return;
  ask_at_ = now + ask_again_;
  ask_again_ = std::min(2 * ask_again_, kSyncAgainMax);
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x", ++sync_number_);
  Bytes call(spec_.sync_call.span());
  auto* begin = reinterpret_cast<char*>(call.data());
  const auto place =
      std::search(begin, begin + call.size(), kNumberPlace.begin(), kNumberPlace.end());
  if (place == begin + call.size()) return lose("cannot be synchronized");
  std::memcpy(place, digits.data(), kNumberPlace.size());
  const auto sent = send_some(fd_.get(), call.span());
  if (!sent.ok() || sent.value().outcome == Transfer::Closed) return lose("has ended");
  if (sent.value().outcome == Transfer::WouldBlock) return;  // it has enough to answer
  if (sent.value().bytes < call.size()) lose("stopped reading in the middle of a message");
}

void NodeLink::look() {
  if (state_ == NodeState::Idle) {
    // What else can be read is an answer to somebody else's question.
    std::array<std::byte, 1> first{};
    const auto seen = peek_some(fd_.get(), first);
    if (!seen.ok() || seen.value().outcome == Transfer::Closed) lose("has ended");
    return;
  }
  if (state_ == NodeState::Draining) ask_to_sync();
  while (state_ != NodeState::Lost && state_ != NodeState::Idle && take_some()) {
  }
  const bool is_busy = state_ == NodeState::Busy || state_ == NodeState::Draining;
  if (is_busy && spec_.pid > 0 && stop_watch_.is_over(spec_.pid)) lose(kStoppedWords);
}

bool NodeLink::take_some() {
  if (skipped_bytes_ > 0) return skip_tail();
  if (reader_.is_inside_packet()) return take_packet_bytes();
  return take_start();
}

bool NodeLink::take_start() {
  std::array<std::byte, 2> start{};
  const auto seen = peek_some(fd_.get(), start);
  if (!seen.ok() || seen.value().outcome == Transfer::Closed) {
    lose("has ended");
    return false;
  }
  if (seen.value().outcome != Transfer::Moved || seen.value().bytes < start.size()) return false;
  if (!is_of_r(start)) return take_packet_bytes();
  if (state_ == NodeState::Busy && !result_) {
    lose("sent a reply that nothing asked for: does other code use it at the same time?");
    return false;
  }
  skipped_bytes_ = spec_.tail_bytes;
  return true;
}

bool NodeLink::skip_tail() {
  std::array<std::byte, 1024> litter;
  const auto got =
      receive_some(fd_.get(), std::span(litter).first(std::min(litter.size(), skipped_bytes_)));
  if (!got.ok() || got.value().outcome == Transfer::Closed) {
    lose("has ended");
    return false;
  }
  if (got.value().outcome != Transfer::Moved) return false;
  skipped_bytes_ -= got.value().bytes;
  if (skipped_bytes_ == 0) note_tail();
  return true;
}

void NodeLink::note_tail() {
  const bool is_done = state_ == NodeState::Busy ? result_.has_value() : is_synced_;
  if (!is_done) return;
  state_ = NodeState::Idle;
  hand_over();
}

bool NodeLink::take_packet_bytes() {
  const auto got = receive_some(fd_.get(), reader_.wanted());
  if (!got.ok() || got.value().outcome == Transfer::Closed) {
    lose("has ended");
    return false;
  }
  if (got.value().outcome != Transfer::Moved) return false;
  auto packet = reader_.advance(got.value().bytes);
  if (!packet.ok()) {
    lose("sent an invalid reply: " + packet.error().message);
    return false;
  }
  if (packet.value()) take(std::move(*packet.value()));
  return true;
}

void NodeLink::take(Packet packet) {
  if (packet.kind == PacketKind::Synced) {
    if (packet.task == TaskId{sync_number_}) is_synced_ = true;
    return;
  }
  if (packet.task != current_) return;
  if (packet.kind == PacketKind::Ready) {
    has_started_ = true;
    if (state_ == NodeState::Draining) interrupt();
  } else if (packet.kind == PacketKind::Result) {
    result_ = std::move(packet);
  } else if (task_ != nullptr) {
    task_->take(std::move(packet));
  }
}

NodeTask::NodeTask(std::shared_ptr<NodeLink> link, std::optional<std::chrono::milliseconds> timeout)
    : link_(std::move(link)), deadline_(deadline_in(timeout)) {
  outcome_.pid = link_->spec().reported_pid;
  link_->begin(*this);
}

NodeTask::~NodeTask() {
  if (is_copy() || state_ == TaskState::Settled) return;
  link_->drain();
}

void NodeTask::look() {
  if (state_ == TaskState::Settled) return;
  link_->look();
  const bool is_late = deadline_ && Clock::now() >= *deadline_;
  if (state_ == TaskState::Settled || !is_late) return;
  link_->drain();
  settle(OutcomeKind::TimedOut, {}, "it ran longer than its time limit");
}

void NodeTask::take(Packet packet) {
  const PacketKind kind = packet.kind;
  const PacketFlag flag = packet.flag;
  if (flag == PacketFlag::Failed) {
    return settle(OutcomeKind::Unserializable, {},
                  {reinterpret_cast<const char*>(packet.body.data()), packet.body.size()});
  }
  Parcel parcel(std::move(packet.body));
  if (kind == PacketKind::Event) {
    events_.push_back(std::move(parcel));
  } else {
    settle(OutcomeKind::Value, std::move(parcel));
  }
}

void NodeTask::lost(const std::string& why) { settle(OutcomeKind::Lost, {}, why); }

void NodeTask::settle(OutcomeKind kind, Parcel value, std::string message) {
  state_ = TaskState::Settled;
  outcome_.kind = kind;
  outcome_.value = std::move(value);
  outcome_.message = std::move(message);
}

bool NodeTask::cancel(std::chrono::milliseconds) {
  look();
  if (state_ == TaskState::Settled) return false;
  link_->drain();
  settle(OutcomeKind::Cancelled);
  return true;
}

std::vector<int> NodeTask::descriptors() const {
  if (state_ == TaskState::Settled) return {};
  return {link_->fd()};
}

}  // namespace elsewhere
