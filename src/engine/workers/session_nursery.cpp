#include "engine/workers/session_nursery.h"

#include <utility>

#include "engine/os/file.h"
#include "engine/os/socket.h"
#include "engine/wire/environment_block.h"
#include "engine/wire/nursery_body.h"
#include "engine/wire/packet.h"
#include "engine/workers/adoption.h"

namespace elsewhere {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

Result<SessionNursery> SessionNursery::start(LaunchSpec spec,
                                             std::span<const std::byte> functions) {
  auto ends = socket_pair();
  if (!ends.ok()) return ends.error();
  // For the marks of processx.
  spec.environment.push_back(std::string(kRoomName) + "=" + std::string(512, 'x'));
  spec.environment.push_back("ELSEWHERE_ROLE=nursery");
  auto own = give_directory(spec);
  auto process = spawn(
      {spec.program, spec.arguments, own.environment, {{kChannelFd, ends.value().second.get()}}});
  if (!process.ok()) return process.error();
  SessionNursery nursery(std::move(process.value()), std::move(ends.value().first),
                         std::move(own.directory));
  auto sent = nursery.channel_.send(
      {PacketKind::Setup, PacketFlag::None, kNoTask, functions.size()}, Bytes(functions));
  if (!sent.ok()) return sent.error();
  return nursery;
}

Result<Fd> SessionNursery::fork_session(const SessionRequest& request) {
  // What has not been asked for must not fill the channel.
  for (auto packet = channel_.take_packet(); packet.ok() && packet.value();
       packet = channel_.take_packet()) {
    note(std::move(*packet.value()));
  }
  const auto directory = open_directory(request.directory);
  if (!directory.ok()) return directory.error();
  auto joint = socket_pair();
  if (!joint.ok()) return joint.error();
  Bytes body = to_block(request.environment);
  const PacketHeader header{PacketKind::Fork, PacketFlag::HasFds, request.number, body.size()};
  auto sent = channel_.send(header, std::move(body),
                            {joint.value().second.get(), request.channel, directory.value().get()});
  if (!sent.ok()) return sent.error();
  asked_.insert(request.number);
  // Until all has gone, our copies of the descriptors must stay open.
  const Deadline deadline = deadline_in(kPatience);
  for (;;) {
    auto all = channel_.wait_sent(deadline);
    if (all.ok() && all.value()) return std::move(joint.value().first);
    if (all.ok())
      return Error{ErrorCode::TimedOut, "the process that forks sessions does not respond"};
    if (all.error().code != ErrorCode::Interrupted) return all.error();
  }
}

void SessionNursery::note(Packet packet) {
  auto fds = channel_.take_fds();
  if (packet.kind != PacketKind::Forked || asked_.erase(packet.task) == 0) return;
  const auto body = decode_forked(packet.body.span());
  const bool is_forked = packet.flag == PacketFlag::HasFds && body && fds.size() == 1;
  if (is_forked) answered_[packet.task] = Process{body->pid, std::move(fds[0])};
}

Result<std::optional<Process>> SessionNursery::forked(TaskId request, Deadline deadline) {
  while (asked_.contains(request)) {
    auto packet = channel_.wait_packet(deadline);
    if (!packet.ok()) {
      if (packet.error().code != ErrorCode::Closed) return packet.error();
      asked_.clear();
      break;
    }
    if (!packet.value()) return Error{ErrorCode::TimedOut, "the session was not forked in time"};
    note(std::move(*packet.value()));
  }
  auto found = answered_.extract(request);
  if (!found) return std::optional<Process>{};
  return std::optional(std::move(found.mapped()));
}

void SessionNursery::forget(TaskId request) {
  asked_.erase(request);
  answered_.erase(request);
}

bool SessionNursery::has_ended() {
  if (has_ended_) return true;
  auto status = reap(process_);
  has_ended_ = !status.ok() || status.value().has_value();
  if (has_ended_) directory_.remove();
  return has_ended_;
}

}  // namespace elsewhere
