#include "engine/workers/fork_server.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <span>
#include <utility>

#include "engine/os/process.h"
#include "engine/os/process_facts.h"
#include "engine/os/socket.h"
#include "engine/os/temporary_directory.h"
#include "engine/wire/environment_block.h"
#include "engine/wire/nursery_body.h"
#include "engine/workers/adoption.h"

namespace elsewhere {
namespace {

constexpr std::size_t kPoolJoints = 2;
constexpr std::size_t kSessionJoints = 3;

}  // namespace

bool is_for_session(const std::vector<Fd>& joints) { return joints.size() == kSessionJoints; }

ForkOrder ForkServer::serve(const std::function<void(const Packet&)>& on_setup) {
  for (;;) {
    wait_for_work();
    report_exits();
    auto packet = channel_.take_packet();
    if (!packet.ok()) end_this_process(0);  // the owner is gone, or is no owner of ours
    if (!packet.value()) continue;
    const Packet& request = *packet.value();
    if (request.kind == PacketKind::Setup) on_setup(request);
    if (request.kind != PacketKind::Fork) continue;
    // A copy that stays here would hide the end of the fork's own.
    auto joints = channel_.take_fds();
    if (joints.size() != kPoolJoints && !is_for_session(joints)) {
      refuse(request.task, joints, "the request came without its descriptors");
    } else if (fork_one(request, joints)) {
      (void)channel_.release();
      return {std::move(*packet.value()), std::move(joints), std::move(owner_),
              std::move(directory_)};
    }
  }
}

void ForkServer::wait_for_work() {
  if (channel_.has_waiting_packet()) return;
  std::vector<Awaited> entries{
      {channel_.fd(), channel_.is_all_sent() ? Ready::Readable : Ready::Either},
      {owner_.watch.get()}};
  for (const auto& child : children_) entries.push_back({child.process.watch.get()});
  const bool may_leave = children_.empty() && options_.idle_max;
  const Deadline leaves_at = deadline_in(may_leave ? options_.idle_max : std::nullopt);
  for (;;) {
    // An owner that cannot be watched is looked for. The channel tells of its end, too,
    // unless a fork of it holds that.
    auto patience = time_left(leaves_at);
    if (!owner_.watch) patience = std::min(patience.value_or(kLookForProcess), kLookForProcess);
    const auto ready = wait_any(entries, patience);
    if (entries[1].is_ready) end_this_process(0);
    if (!ready.ok() || ready.value()) return;
    if (leaves_at && time_left(leaves_at)->count() == 0) end_this_process(0);
    if (!owner_.watch && !is_there(owner_.pid, owner_.pid)) end_this_process(0);
  }
}

void ForkServer::report_exits() {
  std::erase_if(children_, [&](const Forked& child) {
    const auto exit = reap(child.process);
    if (!exit.ok() || !exit.value()) return false;
    remove_all_of(child.directory);
    report_exit(child, *exit.value());
    return true;
  });
}

void ForkServer::report_exit(const Forked& child, const ExitStatus& exit) {
  if (child.stand_in) {
    const bool is_killed = exit.signal != 0;
    tell_stand_in(child.stand_in, {is_killed ? SessionNews::Signalled : SessionNews::Exited,
                                   is_killed ? exit.signal : exit.status});
  } else {
    const ExitedBody body{exit.status, exit.signal};
    send(PacketKind::Exited, PacketFlag::None, child.request, encode(body));
  }
}

// true in the fork.
bool ForkServer::fork_one(const Packet& request, std::vector<Fd>& joints) {
  if (const auto threads = count_threads(); threads.value_or(INT_MAX) > options_.threads_max) {
    refuse(request.task, joints,
           threads ? "it runs " + std::to_string(*threads) +
                         " threads (a numerics library that starts some when it is loaded?)"
                   : "the system does not tell how many threads it runs (is /proc mounted?)");
    return false;
  }
  std::fflush(nullptr);
  directory_.clear();
  if (!is_for_session(joints)) {
    auto made = make_temporary_directory(temporary_parents(from_block(request.body.span())));
    if (made.ok()) directory_ = std::move(made.value());
  }
  auto forked = fork_process();
  if (forked.ok() && forked.value().pid == 0) {
    lead_session();
    return true;
  }
  if (!forked.ok()) {
    refuse(request.task, joints, forked.error().message);
    remove_all_of(directory_);
  } else {
    keep(request, joints, std::move(forked.value()));
  }
  return false;
}

void ForkServer::keep(const Packet& request, std::vector<Fd>& joints, Process child) {
  send(PacketKind::Forked, PacketFlag::HasFds, request.task, encode(ForkedBody{child.pid}),
       {child.watch.get()});
  // Before the descriptor can be closed. An owner that is gone is noticed later.
  while (true) {
    const auto sent = channel_.wait_sent({});
    if (sent.ok() || sent.error().code != ErrorCode::Interrupted) break;
  }
  Fd stand_in = is_for_session(joints) ? std::move(joints[0]) : Fd();
  children_.push_back({std::move(child), request.task, std::move(stand_in), std::move(directory_)});
}

void ForkServer::refuse(TaskId request, const std::vector<Fd>& joints, const std::string& why) {
  if (is_for_session(joints)) tell_stand_in(joints[0], {SessionNews::Refused, 0});
  send(PacketKind::Forked, PacketFlag::Failed, request, Bytes(std::as_bytes(std::span(why))));
}

// What does not go at once goes when the channel is next looked at.
void ForkServer::send(PacketKind kind, PacketFlag flag, TaskId request, Bytes body,
                      std::vector<int> fds) {
  const PacketHeader header{kind, flag, request, body.size()};
  (void)channel_.send(header, std::move(body), std::move(fds));
}

}  // namespace elsewhere
