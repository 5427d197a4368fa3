#include "engine/workers/relay.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/os/process_facts.h"
#include "engine/os/signal.h"
#include "engine/os/socket.h"
#include "engine/wire/nursery_body.h"

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
// A signal that must wait until its task has been read is tried again so often.
constexpr std::chrono::milliseconds kInterruptTry{2};
constexpr std::chrono::milliseconds kStopLook{1000};
// A worker whose owner is gone ends by itself, soon.
constexpr std::chrono::milliseconds kOrderlyEnd{800};
// The last words need this long at most, or nobody listens any more.
constexpr std::chrono::seconds kFarewell{10};

bool is_lost(const Result<Moved>& moved) {
  return !moved.ok() || moved.value().outcome == Transfer::Closed;
}

}  // namespace

Relay::Relay(Fd in, Fd out, Fd channel, Process worker)
    : in_(std::move(in)),
      out_(std::move(out)),
      channel_(std::move(channel)),
      worker_(std::move(worker)) {
  // A descriptor that refused the mode blocks at times, and works all the same.
  (void)set_nonblocking(in_.get());
  (void)set_nonblocking(out_.get());
}

int Relay::run(const std::string& greeting) {
  ignore_broken_pipes();
  greeting_ = greeting;
  while (!is_owner_gone_ && !is_worker_gone_) {
    wait_for_work();
    read_owner();
    interrupt_when_read();
    do {
      read_worker();
      write_owner();
    } while (to_owner_.empty() && channel_.has_waiting_packet());
  }
  const ExitStatus exit = farewell();
  return exit.signal != 0 ? 128 + exit.signal : exit.status;
}

void Relay::wait_for_work() {
  // More from the worker is taken when the owner has what came before.
  const bool is_out_idle = greeting_.empty() && to_owner_.empty();
  const Ready of_worker = is_out_idle ? channel_.is_all_sent() ? Ready::Readable : Ready::Either
                          : channel_.is_all_sent() ? Ready::Broken
                                                   : Ready::Writable;
  std::array<Awaited, 4> entries{{{in_.get()},
                                  {is_out_idle ? -1 : out_.get(), Ready::Writable},
                                  {channel_.is_open() ? channel_.fd() : -1, of_worker},
                                  {worker_.watch.get()}}};
  std::optional<std::chrono::milliseconds> patience;
  if (to_interrupt_) {
    patience = kInterruptTry;
  } else if (!tasks_.empty()) {
    patience = kStopLook;
  }
  const auto ready = wait_any(entries, patience);
  const bool is_quiet = ready.ok() && !ready.value();
  // A worker that says nothing may have been stopped, or go on again.
  if (is_quiet && !to_interrupt_ && is_stopped(worker_.pid) != was_stopped_) send_vitals();
  if (entries[1].is_broken) is_owner_gone_ = true;
  if (entries[3].is_ready) is_worker_gone_ = true;
  if (!channel_.is_all_sent()) (void)channel_.wait_sent(Clock::now());
  if (channel_.is_all_sent()) held_.clear();
}

void Relay::read_owner() {
  const auto can_be_read = [&] {
    const auto ready = wait_ready(in_.get(), Ready::Readable, std::chrono::milliseconds(0));
    return ready.ok() && ready.value();
  };
  while (!is_owner_gone_ && can_be_read() && read_some_of_owner()) {
  }
}

// false when there is no more for now.
bool Relay::read_some_of_owner() {
  Arriving& now = arriving_;
  std::array<std::byte, kReadBytes> bytes;
  const std::uint64_t wanted =
      now.header ? std::min<std::uint64_t>(kReadBytes, now.header->body_bytes - now.body_bytes)
                 : kHeaderBytes - now.head_bytes;
  const auto got = read_some(in_.get(), std::span(bytes).first(static_cast<std::size_t>(wanted)));
  if (is_lost(got)) {
    is_owner_gone_ = true;
    return false;
  }
  if (got.value().outcome == Transfer::WouldBlock) return false;
  const std::size_t count = got.value().bytes;
  if (now.header) {
    if (!now.body.append(std::span(bytes).first(count)).ok()) is_owner_gone_ = true;
    now.body_bytes += count;
  } else {
    std::memcpy(now.head.data() + now.head_bytes, bytes.data(), count);
    now.head_bytes += count;
    if (now.head_bytes < kHeaderBytes) return true;
    auto header = decode_header(now.head);
    if (!header.ok()) {
      is_owner_gone_ = true;  // it is no owner of ours
      return false;
    }
    now.header = *header.value();
  }
  if (now.body_bytes == now.header->body_bytes) take_from_owner();
  return true;
}

void Relay::take_from_owner() {
  Arriving packet = std::exchange(arriving_, Arriving());
  auto parcel = packet.body.finish();
  if (!parcel.ok()) {
    is_owner_gone_ = true;
    return;
  }
  const PacketHeader& header = *packet.header;
  if (header.kind == PacketKind::Signal) {
    if (const auto body = decode_signal(parcel.value().body())) {
      take_signal(header.task, body->signal);
    }
    return;
  }
  if (header.kind == PacketKind::Run) tasks_.push_back(header.task);
  const auto& segment = parcel.value().segment();
  std::vector<int> beside;
  if (segment) beside.push_back(segment->fd_to_send());
  const auto body = parcel.value().body();
  const auto flag = segment ? PacketFlag::InSegment : header.flag;
  const auto sent =
      channel_.send({header.kind, flag, header.task, body.size()}, Bytes(body), std::move(beside));
  if (!sent.ok()) channel_.close();  // the worker is ending; its exit is on the way
  // A worker that runs a task reads later: the descriptor must live until then.
  if (segment) held_.push_back(std::make_shared<const Parcel>(std::move(parcel.value())));
}

void Relay::take_signal(TaskId task, int number) {
  if (number == kKillSignal) return kill_group(worker_);
  if (std::find(tasks_.begin(), tasks_.end(), task) != tasks_.end()) to_interrupt_ = task;
}

// As Worker::interrupt() does where the worker is near: docs/decisions/0011.
void Relay::interrupt_when_read() {
  if (!to_interrupt_) return;
  if (tasks_.empty() || tasks_.front() != *to_interrupt_) {
    const bool still_waits =
        std::find(tasks_.begin(), tasks_.end(), *to_interrupt_) != tasks_.end();
    if (!still_waits) to_interrupt_.reset();
    return;
  }
  const bool is_read = channel_.is_all_sent() && unread_bytes(channel_.fd()) == 0;
  if (tasks_.size() > 1 || !is_read) return;
  (void)send_signal(worker_, kInterruptSignal);
  to_interrupt_.reset();
}

void Relay::read_worker() {
  while (to_owner_.empty() && greeting_.empty() && channel_.is_open()) {
    auto packet = channel_.take_packet();
    if (!packet.ok()) return channel_.close();
    if (!packet.value()) return;
    const PacketHeader header = header_of(*packet.value());
    if (header.kind == PacketKind::Result && !tasks_.empty()) tasks_.pop_front();
    // The owner weighs it by what it was when it was fresh.
    if (header.kind == PacketKind::Result || header.kind == PacketKind::Ready) send_vitals();
    auto parcel = Parcel::unpack(std::move(*packet.value()), channel_.take_fds());
    if (!parcel.ok()) return channel_.close();
    const auto flag = header.flag == PacketFlag::InSegment ? PacketFlag::None : header.flag;
    send_owner(header.kind, flag, header.task,
               std::make_shared<const Parcel>(std::move(parcel.value())));
  }
}

void Relay::send_vitals() {
  was_stopped_ = is_stopped(worker_.pid);
  const VitalsBody body{resident_bytes(worker_.pid), was_stopped_ ? 1U : 0U};
  send_owner(PacketKind::Vitals, PacketFlag::None, kNoTask,
             std::make_shared<const Parcel>(encode(body)));
}

void Relay::send_owner(PacketKind kind, PacketFlag flag, TaskId task, SharedParcel parcel) {
  to_owner_.emplace_back(kind, flag, task, std::move(parcel));
}

void Relay::write_owner() {
  while (!greeting_.empty()) {
    const auto sent = write_some(out_.get(), std::as_bytes(std::span(greeting_)));
    if (is_lost(sent)) return void(is_owner_gone_ = true);
    if (sent.value().outcome == Transfer::WouldBlock) return;
    greeting_.erase(0, sent.value().bytes);
  }
  while (!to_owner_.empty()) {
    const auto piece = to_owner_.front().next();
    if (!piece.ok()) return void(is_owner_gone_ = true);
    if (piece.value().empty()) {
      to_owner_.pop_front();
      continue;
    }
    const auto sent = write_some(out_.get(), piece.value());
    if (is_lost(sent)) return void(is_owner_gone_ = true);
    if (sent.value().outcome == Transfer::WouldBlock) return;
    to_owner_.front().advance(sent.value().bytes);
  }
}

// Closing the channel asks it to leave; whoever does not is killed, with all it
// has started.
void Relay::end_worker() {
  channel_.close();
  (void)wait_ready(worker_.watch.get(), Ready::Readable, kOrderlyEnd);
  kill_group(worker_);
  (void)wait_ready(worker_.watch.get(), Ready::Readable, kFarewell);
}

ExitStatus Relay::farewell() {
  if (!is_worker_gone_) end_worker();
  // What it has started must not outlive it. Its own number is still its own: it
  // has not been reaped.
  kill_group(worker_);
  const auto exit = reap(worker_);
  const ExitStatus status = exit.ok() && exit.value() ? *exit.value() : ExitStatus{-1, 0};
  const auto deadline = Clock::now() + kFarewell;
  bool has_said_exit = false;
  while (!is_owner_gone_ && Clock::now() < deadline) {
    read_worker();
    if (to_owner_.empty()) {
      if (std::exchange(has_said_exit, true)) break;
      send_owner(PacketKind::Exited, PacketFlag::None, kNoTask,
                 std::make_shared<const Parcel>(encode(ExitedBody{status.status, status.signal})));
    }
    write_owner();
    (void)wait_ready(out_.get(), Ready::Writable, std::chrono::milliseconds(100));
  }
  return status;
}

}  // namespace elsewhere
