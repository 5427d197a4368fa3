#include "engine/workers/session_link.h"

#include "engine/os/file.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

std::size_t index_of(SessionLink::Stream stream) { return static_cast<std::size_t>(stream); }

}  // namespace

void SessionLink::close() {
  channel_.close();
  sending_ = Parcel();
  keeps_segments_.reset();
  forked_.reset();
  started_.reset();
  for (Fd& file : files_) file.reset();
}

bool SessionLink::wait_gone(Deadline deadline) const {
  for (const int watch : {started_.get(), forked_ ? forked_->watch.get() : -1}) {
    while (watch >= 0) {
      const auto ready = wait_ready(watch, Ready::Readable, time_left(deadline));
      if (ready.ok() && ready.value()) break;
      if (ready.ok() || ready.error().code != ErrorCode::Interrupted) return false;
    }
  }
  return true;
}

Status SessionLink::set_up(Parcel setup) {
  return send(PacketKind::Setup, kNoTask, std::move(setup));
}

Status SessionLink::start(Parcel payload) {
  const TaskId task{++last_task_};
  running_ = task;
  return send(PacketKind::Run, task, std::move(payload));
}

Status SessionLink::send(PacketKind kind, TaskId task, Parcel parcel) {
  sending_ = std::move(parcel);
  const auto body = sending_.body();
  const PacketHeader header{kind, sending_.flag(), task, body.size()};
  std::vector<int> fds;
  if (sending_.segment()) fds.push_back(sending_.segment()->fd_to_send());
  auto status = channel_.send(header, Bytes(body), std::move(fds));
  if (channel_.is_all_sent()) sending_ = Parcel();
  return status;
}

Result<Parcel> SessionLink::value_of(Packet packet) {
  return Parcel::unpack(std::move(packet), channel_.take_fds());
}

Status SessionLink::sync() {
  const TaskId task{++last_task_};
  return channel_.send({PacketKind::Sync, PacketFlag::None, task, 0}, {});
}

Result<std::optional<Packet>> SessionLink::take() {
  for (;;) {
    auto packet = channel_.take_packet();
    if (!packet.ok() || !packet.value()) return packet;
    if (is_expected(*packet.value())) return packet;
  }
}

Result<std::optional<Packet>> SessionLink::wait(Deadline deadline) {
  for (;;) {
    auto packet = channel_.wait_packet(deadline);
    if (!packet.ok() || !packet.value()) return packet;
    if (is_expected(*packet.value())) return packet;
  }
}

bool SessionLink::is_expected(const Packet& packet) {
  switch (packet.kind) {
    case PacketKind::Ready:
      if (packet.flag == PacketFlag::HasFds) adopt_files();
      return true;
    case PacketKind::Event: return running_ == packet.task;
    case PacketKind::Result:
      if (running_ != packet.task) return false;
      running_.reset();
      return true;
    case PacketKind::Synced: return number(packet.task) == last_task_;
    case PacketKind::Setup:
    case PacketKind::Run:
    case PacketKind::Sync:
    case PacketKind::Fork:
    case PacketKind::Forked:
    case PacketKind::Exited:
    case PacketKind::Signal:
    case PacketKind::Vitals: return false;
  }
  return false;
}

void SessionLink::keep_in_memory(bool output, bool error) { is_in_memory_ = {output, error}; }

void SessionLink::adopt_files() {
  auto arrived = channel_.take_fds();
  auto next = arrived.begin();
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (is_in_memory_[i] && next != arrived.end()) files_[i] = std::move(*next++);
  }
}

bool SessionLink::has_printed(Stream stream) const {
  const Fd& file = files_[index_of(stream)];
  return file && size_of(file.get()) > 0;
}

// The file's offset belongs to the worker too, so it is read by position.
std::string SessionLink::printed(Stream stream) const {
  const Fd& file = files_[index_of(stream)];
  if (!file) return {};
  std::string text(static_cast<std::size_t>(size_of(file.get())), '\0');
  std::size_t read_bytes = 0;
  while (read_bytes < text.size()) {
    const auto rest = std::as_writable_bytes(std::span(text)).subspan(read_bytes);
    const auto got = read_at(file.get(), read_bytes, rest, "cannot read what a session printed");
    if (!got.ok() || got.value() == 0) break;
    read_bytes += got.value();
  }
  text.resize(read_bytes);
  return text;
}

}  // namespace elsewhere
