#include "engine/workers/channel.h"

#include <algorithm>
#include <thread>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

// A wait is cut into slices of this length, so that a signal that came just
// before the kernel began to wait is noticed soon.
constexpr std::chrono::milliseconds kSlice{200};

Error closed() { return {ErrorCode::Closed, "the other end of the channel is closed"}; }

}  // namespace

std::optional<std::chrono::milliseconds> time_left(Deadline deadline) {
  if (!deadline) return {};
  const auto left = *deadline - std::chrono::steady_clock::now();
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds(0));
}

Deadline deadline_in(std::optional<std::chrono::milliseconds> timeout) {
  if (!timeout) return {};
  return std::chrono::steady_clock::now() + *timeout;
}

Status Channel::send(const PacketHeader& header, Bytes body, std::vector<int> fds) {
  if (!is_open()) return closed();
  const auto head = encode_header(header);
  std::size_t sent_bytes = 0;
  // The common packet goes out in one call, without a copy.
  if (outbox_.empty() && fds.empty()) {
    auto moved = send_some(fd(), head, body.span());
    if (!moved.ok()) return moved.error();
    if (moved.value().outcome == Transfer::Closed) return closed();
    sent_bytes = moved.value().bytes;
    if (sent_bytes == head.size() + body.size()) return Done{};
  }
  Outgoing rest;
  if (sent_bytes >= head.size()) {
    rest.sent_bytes = sent_bytes - head.size();
    rest.bytes = std::move(body);
  } else {
    rest.sent_bytes = sent_bytes;
    rest.bytes.reserve(head.size() + body.size());
    rest.bytes.append(head);
    rest.bytes.append(body.span());
  }
  rest.fds = std::move(fds);
  outbox_.push_back(std::move(rest));
  return send_outbox();
}

Status Channel::send_outbox() {
  while (!outbox_.empty()) {
    Outgoing& next = outbox_.front();
    const auto left = std::as_const(next.bytes).span().subspan(next.sent_bytes);
    auto moved = send_some_with_fds(fd(), left, next.fds);
    if (!moved.ok()) return moved.error();
    if (moved.value().outcome == Transfer::Closed) return closed();
    if (moved.value().outcome == Transfer::WouldBlock) return Done{};
    next.fds.clear();
    next.sent_bytes += moved.value().bytes;
    if (next.sent_bytes == next.bytes.size()) outbox_.pop_front();
  }
  return Done{};
}

Result<bool> Channel::wait_sent(Deadline deadline) {
  for (;;) {
    if (!is_open()) return closed();
    if (auto status = send_outbox(); !status.ok()) return status.error();
    if (outbox_.empty()) return true;
    auto ready = wait_until_ready(deadline);
    if (!ready.ok()) return ready.error();
    if (!ready.value()) return false;
    auto packet = receive_packet();
    if (!packet.ok()) return packet.error();
    if (!packet.value()) continue;
    inbox_.push_back({std::move(*packet.value()), std::exchange(received_fds_, {})});
  }
}

Result<std::optional<Packet>> Channel::take_packet() {
  if (!inbox_.empty()) {
    Incoming first = std::move(inbox_.front());
    inbox_.pop_front();
    taken_fds_ = std::move(first.fds);
    return std::optional(std::move(first.packet));
  }
  if (!is_open()) return closed();
  // A peer that is gone cannot be written to, but what it wrote before can
  // still be read; the read reports the end.
  if (!outbox_.empty()) {
    if (auto status = send_outbox(); !status.ok() && status.error().code != ErrorCode::Closed) {
      return status.error();
    }
  }
  auto packet = receive_packet();
  if (packet.ok() && packet.value()) taken_fds_ = std::exchange(received_fds_, {});
  return packet;
}

Result<std::optional<Packet>> Channel::wait_packet(Deadline deadline) {
  for (;;) {
    auto packet = take_packet();
    if (!packet.ok() || packet.value()) return packet;
    auto ready = wait_until_ready(deadline);
    if (!ready.ok()) return ready.error();
    if (!ready.value()) return std::optional<Packet>{};
  }
}

bool Channel::look_for(std::chrono::microseconds time) const {
  const auto until = std::chrono::steady_clock::now() + time;
  do {
    std::byte first;
    const auto seen = peek_some(fd(), {&first, 1});
    if (!seen.ok() || seen.value().outcome != Transfer::WouldBlock) return true;
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

Result<std::optional<Packet>> Channel::receive_packet() {
  for (;;) {
    auto moved = receive_some_with_fds(fd(), reader_.wanted(), received_fds_);
    if (!moved.ok()) return moved.error();
    if (moved.value().outcome == Transfer::Closed) return closed();
    if (moved.value().outcome == Transfer::WouldBlock) return std::optional<Packet>{};
    auto packet = reader_.advance(moved.value().bytes);
    if (!packet.ok() || packet.value()) return packet;
  }
}

// Ready also at the end of a slice: the caller tries again and comes back.
Result<bool> Channel::wait_until_ready(Deadline deadline) {
  const auto left = time_left(deadline);
  const bool is_last_slice = left && *left <= kSlice;
  auto ready = wait_ready(fd(), outbox_.empty() ? Ready::Readable : Ready::Either,
                          is_last_slice ? *left : kSlice);
  if (!ready.ok()) return ready.error();
  return ready.value() || !is_last_slice;
}

}  // namespace elsewhere
