#include "engine/workers/peer.h"

#include <cstdint>
#include <utility>

#include "engine/os/signal.h"
#include "engine/os/socket.h"
#include "engine/wire/greeting.h"
#include "engine/wire/nursery_body.h"

namespace elsewhere {
namespace {

// What one turn reads at most, so that the main thread never waits long.
constexpr std::size_t kReadBytesMax = std::size_t{4} << 20;
constexpr std::size_t kLastOutputBytes = 8192;
// A process that has closed its channel is about to end by itself.
constexpr std::chrono::milliseconds kEndPatience{500};
// The nursery reports an exit as soon as it gets the processor, which on a busy
// machine takes more than a second at times. Only where it died as well does nobody
// report, and how the process ended stays unknown.
constexpr std::chrono::milliseconds kReportPatience{10000};
// The same for what ends on another machine.
constexpr std::chrono::milliseconds kRemotePatience{3000};
// What a login shell may print before the worker speaks.
constexpr std::size_t kPreludeBytesMax = std::size_t{256} << 10;

}  // namespace

Peer::Peer(Turn& turn, Loop& loop, Launched launched, PeerListener& listener)
    : loop_(loop),
      listener_(listener),
      process_(std::move(launched.process)),
      parent_(launched.parent),
      channel_(std::move(launched.channel)),
      output_(std::move(launched.output)),
      directory_(std::move(launched.directory)),
      remote_(std::move(launched.remote)),
      awaits_greeting_(remote_.has_value()) {
  loop_.watch_readable(turn, channel_.get(), [this](Turn& now) { on_channel_readable(now); });
  loop_.watch_readable(turn, output_.get(), [this](Turn& now) { on_output_readable(now); });
  loop_.watch_readable(turn, process_.watch.get(), [this](Turn& now) { on_process_ended(now); });
}

Peer::~Peer() = default;

void Peer::send(Turn& turn, PacketKind kind, TaskId task, SharedParcel parcel,
                std::vector<Fd> descriptors) {
  if (!channel_) return;  // its departure is on the way and will say so
  if (remote_) {
    stream_.emplace_back(kind, PacketFlag::None, task, std::move(parcel));
    if (!awaits_greeting_ && stream_.size() == 1) flush_stream(turn);
    return;
  }
  const auto value_flag = parcel ? parcel->flag() : PacketFlag::None;
  const auto flag = descriptors.empty() ? value_flag : PacketFlag::HasFds;
  const std::uint64_t body_bytes = parcel ? parcel->body().size() : 0;
  outgoing_.push_back({encode_header({kind, flag, task, body_bytes}), std::move(parcel),
                       std::move(descriptors), 0});
  if (outgoing_.size() == 1) flush(turn);
}

Result<Moved> Peer::send_front(const Outgoing& front) {
  const auto body = front.parcel ? front.parcel->body() : std::span<const std::byte>{};
  if (front.sent_bytes >= kHeaderBytes) {
    return send_some(channel_.get(), body.subspan(front.sent_bytes - kHeaderBytes));
  }
  const auto header = std::span(front.header).subspan(front.sent_bytes);
  std::vector<int> beside;
  if (front.sent_bytes == 0) {
    for (const auto& descriptor : front.descriptors) beside.push_back(descriptor.get());
    if (front.parcel && front.parcel->segment())
      beside.push_back(front.parcel->segment()->fd_to_send());
  }
  if (!beside.empty()) return send_some_with_fds(channel_.get(), header, beside);
  return send_some(channel_.get(), header, body);
}

void Peer::flush(Turn& turn) {
  while (channel_ && !outgoing_.empty()) {
    Outgoing& front = outgoing_.front();
    const std::size_t total = kHeaderBytes + (front.parcel ? front.parcel->body().size() : 0);
    const auto moved = send_front(front);
    // A broken channel shows as a hang-up on the reading side, which is where
    // the departure is handled.
    if (!moved.ok() || moved.value().outcome == Transfer::Closed) return outgoing_.clear();
    if (moved.value().outcome == Transfer::WouldBlock) {
      loop_.once_writable(turn, channel_.get(), [this](Turn& now) { flush(now); });
      return;
    }
    front.sent_bytes += moved.value().bytes;
    if (front.sent_bytes == total) outgoing_.pop_front();
  }
}

void Peer::flush_stream(Turn& turn) {
  while (channel_ && !stream_.empty()) {
    const auto piece = stream_.front().next();
    if (!piece.ok()) return kill(turn, piece.error().message);
    if (piece.value().empty()) {
      stream_.pop_front();
      continue;
    }
    const auto moved = send_some(channel_.get(), piece.value());
    if (!moved.ok() || moved.value().outcome == Transfer::Closed) return stream_.clear();
    if (moved.value().outcome == Transfer::WouldBlock) {
      loop_.once_writable(turn, channel_.get(), [this](Turn& now) { flush_stream(now); });
      return;
    }
    stream_.front().advance(moved.value().bytes);
  }
}

// true once the worker has made itself known and is one of ours.
bool Peer::read_greeting(Turn& turn) {
  for (;;) {
    std::array<std::byte, 4096> chunk;
    const auto moved = receive_some(channel_.get(), chunk);
    if (!moved.ok() || moved.value().outcome == Transfer::Closed) {
      close_channel(turn);
      return false;
    }
    if (moved.value().outcome == Transfer::WouldBlock) return false;
    prelude_.append(reinterpret_cast<const char*>(chunk.data()), moved.value().bytes);
    const auto greeting = take_greeting(prelude_);
    if (!greeting && prelude_.size() < kPreludeBytesMax) continue;
    last_output_.append(std::exchange(prelude_, {}));
    if (!greeting) {
      kill(turn,
           "its output is not a worker greeting (does the remote login shell print something?)");
      return false;
    }
    remote_pid_ = static_cast<Pid>(greeting->pid);
    if (greeting->speaks != remote_->speaks) {
      kill(turn, "elsewhere is " + greeting->speaks + " there and " + remote_->speaks +
                     " here (version/protocol/numbers): install the same version on both");
      return false;
    }
    awaits_greeting_ = false;
    flush_stream(turn);
    return true;
  }
}

void Peer::on_channel_readable(Turn& turn) { read_packets(turn, kReadBytesMax); }

void Peer::read_packets(Turn& turn, std::size_t bytes_max) {
  if (awaits_greeting_ && channel_ && !read_greeting(turn)) return;
  std::size_t total = 0;
  while (channel_ && total < bytes_max) {
    const auto moved =
        receive_some_with_fds(channel_.get(), reader_.wanted(), received_descriptors_);
    if (!moved.ok()) kill(turn, moved.error().message);
    if (!moved.ok() || moved.value().outcome == Transfer::Closed) return close_channel(turn);
    if (moved.value().outcome == Transfer::WouldBlock) return;
    total += moved.value().bytes;
    auto packet = reader_.advance(moved.value().bytes);
    if (!packet.ok()) {
      kill(turn, packet.error().message);
      return close_channel(turn);  // what follows cannot be read
    }
    if (packet.value() && remote_ && packet.value()->kind == PacketKind::Exited) {
      if (const auto body = decode_exited(packet.value()->body.span())) {
        remote_exit_ = ExitStatus{body->status, body->signal};
      }
      continue;
    }
    if (packet.value() && remote_ && packet.value()->kind == PacketKind::Vitals) {
      if (const auto body = decode_vitals(packet.value()->body.span())) remote_vitals_ = *body;
      continue;
    }
    if (!packet.value() || !reason_.empty()) continue;
    listener_.on_packet(turn, std::move(*packet.value()), std::exchange(received_descriptors_, {}));
  }
}

void Peer::close_channel(Turn& turn) {
  if (!channel_) return;
  loop_.forget(turn, channel_.get());
  channel_.reset();
  outgoing_.clear();
  stream_.clear();
  if (is_departed_ || patience_) return;
  patience_ = loop_.after(turn, remote_ ? kRemotePatience : kEndPatience, [this](Turn& now) {
    patience_.reset();
    end_process(now);
  });
}

void Peer::on_output_readable(Turn& turn) {
  if (read_output() == Transfer::Closed) close_output(turn);
}

Transfer Peer::read_output() {
  std::array<std::byte, 4096> chunk;
  Transfer outcome = Transfer::Moved;
  // Bounded, because whoever holds the other end may print for ever.
  for (int i = 0; i < 16 && outcome == Transfer::Moved; ++i) {
    const auto moved = read_some(output_.get(), chunk);
    outcome = moved.ok() ? moved.value().outcome : Transfer::Closed;
    if (outcome == Transfer::Moved) {
      last_output_.append(reinterpret_cast<const char*>(chunk.data()), moved.value().bytes);
    }
  }
  if (last_output_.size() > kLastOutputBytes) {
    last_output_.erase(0, last_output_.size() - kLastOutputBytes);
  }
  return outcome;
}

void Peer::close_output(Turn& turn) {
  if (!output_) return;
  loop_.forget(turn, output_.get());
  output_.reset();
}

void Peer::interrupt(Turn& turn, TaskId task) {
  if (is_departed_) return;
  if (remote_) return send_remote_signal(turn, task, kInterruptSignal);
  // A process that has just ended needs no signal. One that cannot be sent any is ended.
  const auto sent = send_signal(process_, kInterruptSignal);
  if (!sent.ok()) kill(turn, sent.error().message);
}

// A process that cannot be sent a signal ends by itself where its channel does.
void Peer::end_process(Turn& turn) {
  if (is_departed_) return;
  if (!send_signal(process_, kKillSignal).ok()) close_channel(turn);
}

void Peer::send_remote_signal(Turn& turn, TaskId task, int number) {
  send(turn, PacketKind::Signal, task, std::make_shared<const Parcel>(encode(SignalBody{number})));
}

bool Peer::has_read_all() const {
  return outgoing_.empty() && channel_ && unread_bytes(channel_.get()) == 0;
}

void Peer::kill(Turn& turn, std::string reason) {
  if (reason_.empty()) reason_ = std::move(reason);
  if (!remote_ || awaits_greeting_ || !channel_) return end_process(turn);
  // It is ended there; if the way there is blocked, the connection is.
  send_remote_signal(turn, kNoTask, kKillSignal);
  if (patience_) return;
  patience_ = loop_.after(turn, kRemotePatience, [this](Turn& now) {
    patience_.reset();
    end_process(now);
  });
}

void Peer::on_process_ended(Turn& turn) {
  // The loop may have meant the descriptor that had the same number before.
  const auto ended =
      wait_ready(process_.watch.get(), Ready::Readable, std::chrono::milliseconds(0));
  if (ended.ok() && !ended.value()) return;
  loop_.forget(turn, process_.watch.get());
  if (parent_ == Parent::Us) {
    const auto exit = reap(process_);
    depart(turn, exit.ok() && exit.value() ? *exit.value() : ExitStatus{-1, 0});
    return;
  }
  if (is_departed_) return;
  if (patience_) loop_.cancel(turn, *patience_);
  patience_ = loop_.after(turn, kReportPatience, [this](Turn& now) {
    patience_.reset();
    depart(now, ExitStatus{-1, 0});
  });
}

void Peer::exit_reported(Turn& turn, const ExitStatus& exit) {
  loop_.forget(turn, process_.watch.get());
  depart(turn, exit);
}

void Peer::depart(Turn& turn, const ExitStatus& exit) {
  if (is_departed_) return;
  // What it sent and printed before it ended still counts.
  read_packets(turn, SIZE_MAX);
  if (output_) read_output();
  close_output(turn);
  is_departed_ = true;
  close_channel(turn);
  if (patience_) loop_.cancel(turn, *patience_);
  patience_.reset();
  Departure departure{pid(), remote_exit_.value_or(exit), last_output_, reason_};
  if (remote_) {
    departure.host = remote_->host;
    if (!remote_exit_) departure.ending = Ending::ConnectionLost;
    if (awaits_greeting_) departure.ending = Ending::NotReached;
  }
  directory_.remove();
  listener_.on_departed(turn, departure);
}

}  // namespace elsewhere
