#include "engine/workers/session_nursery.h"

#include <utility>

#include "engine/os/socket.h"
#include "engine/wire/packet.h"

namespace elsewhere {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

Result<SessionNursery> SessionNursery::start(LaunchSpec spec,
                                             std::span<const std::byte> functions) {
  auto ends = socket_pair();
  if (!ends.ok()) return ends.error();
  // Room for the marks of processx; see show_marks() in nursery_main.cpp.
  spec.environment.push_back("ELSEWHERE_ROOM=" + std::string(512, 'x'));
  spec.environment.push_back("ELSEWHERE_ROLE=nursery");
  auto process = spawn(
      {spec.program, spec.arguments, spec.environment, {{kChannelFd, ends.value().second.get()}}});
  if (!process.ok()) return process.error();
  SessionNursery nursery(std::move(process.value()), std::move(ends.value().first));
  auto sent = nursery.channel_.send(
      {PacketKind::Setup, PacketFlag::None, kNoTask, functions.size()}, Bytes(functions));
  if (!sent.ok()) return sent.error();
  return nursery;
}

Result<Fd> SessionNursery::fork_session() {
  auto joint = socket_pair();
  if (!joint.ok()) return joint.error();
  auto sent = channel_.send({PacketKind::Fork, PacketFlag::HasFds, kNoTask, 0}, {},
                            {joint.value().second.get()});
  if (!sent.ok()) return sent.error();
  // Until it has gone, our copy of the descriptor must stay open.
  const Deadline deadline = deadline_in(kPatience);
  for (;;) {
    auto all = channel_.wait_sent(deadline);
    if (all.ok() && all.value()) return std::move(joint.value().first);
    if (all.ok()) return Error{ErrorCode::TimedOut, "the process that forks sessions hangs"};
    if (all.error().code != ErrorCode::Interrupted) return all.error();
  }
}

bool SessionNursery::has_ended() {
  if (has_ended_) return true;
  auto status = reap(process_);
  has_ended_ = !status.ok() || status.value().has_value();
  return has_ended_;
}

}  // namespace elsewhere
