#include "engine/workers/nursery.h"

#include <string>
#include <utility>

#include "engine/wire/nursery_body.h"

namespace elsewhere {

Nursery::Nursery(Turn& turn, Loop& loop, Launched launched)
    : peer_(turn, loop, std::move(launched), *this) {}

void Nursery::fork_worker(Turn& turn, WorkerId id, SharedParcel environment,
                          NurseryClient& client) {
  auto made = make_joints();
  if (!made.ok()) return client.on_forked(turn, made.error());
  Joints& joints = made.value();
  requested_[id] = {&client, std::move(joints.our_channel), std::move(joints.our_output)};
  std::vector<Fd> theirs;
  theirs.push_back(std::move(joints.their_channel));
  theirs.push_back(std::move(joints.their_output));
  peer_.send(turn, PacketKind::Fork, TaskId{number(id)}, std::move(environment), std::move(theirs));
}

void Nursery::drop(Turn&, WorkerId id) {
  // Dropping our end of the channel is what makes the worker leave.
  requested_.erase(id);
  forked_.erase(id);
}

void Nursery::close(Turn& turn) {
  is_alive_ = false;
  peer_.close_channel(turn);
}

void Nursery::on_packet(Turn& turn, Packet packet, std::vector<Fd> descriptors) {
  const WorkerId id{number(packet.task)};
  if (packet.kind == PacketKind::Forked) {
    on_forked(turn, id, packet, std::move(descriptors));
  } else if (packet.kind == PacketKind::Exited) {
    const auto body = decode_exited(packet.body.span());
    const auto found = forked_.extract(id);
    if (found && body) found.mapped()->on_exit_reported(turn, {body->status, body->signal});
  }
}

void Nursery::on_forked(Turn& turn, WorkerId id, const Packet& packet,
                        std::vector<Fd> descriptors) {
  auto found = requested_.extract(id);
  if (!found) return;
  Request& request = found.mapped();
  const auto body = decode_forked(packet.body.span());
  if (packet.flag == PacketFlag::Failed || !body || descriptors.size() != 1) {
    const auto* text = reinterpret_cast<const char*>(packet.body.data());
    return request.client->on_forked(
        turn, Error{ErrorCode::WorkerStart,
                    "the nursery could not fork: " + std::string(text, packet.body.size())});
  }
  forked_[id] = request.client;
  request.client->on_forked(
      turn, Launched{Process{body->pid, std::move(descriptors[0])}, std::move(request.our_channel),
                     std::move(request.our_output), Parent::Nursery});
}

void Nursery::on_departed(Turn& turn, const Departure& departure) {
  is_alive_ = false;
  is_gone_ = true;
  const Error error{ErrorCode::WorkerStart,
                    "the process that forks workers " + describe(departure.exit) +
                        (departure.output.empty() ? "" : "; it printed:\n") + departure.output};
  for (auto& [id, request] : std::exchange(requested_, {})) {
    request.client->on_forked(turn, error);
  }
  forked_.clear();
}

}  // namespace elsewhere
