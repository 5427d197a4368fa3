#include "engine/workers/forked_child.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "engine/os/file.h"
#include "engine/os/process.h"
#include "engine/os/signal.h"
#include "engine/os/socket.h"
#include "engine/os/thread.h"

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;

// Returns when the child is to end.
void watch(int control_fd, Deadline deadline) {
  for (;;) {
    if (deadline && Clock::now() >= *deadline) return;
    const auto ready = wait_ready(control_fd, Ready::Readable, time_left(deadline));
    if (!ready.ok() && ready.error().code != ErrorCode::Interrupted) return;
    if (!ready.ok() || !ready.value()) continue;
    std::int64_t grace_milliseconds = 0;
    const auto told =
        read_some(control_fd, std::as_writable_bytes(std::span(&grace_milliseconds, 1)));
    if (!told.ok() || told.value().bytes != sizeof grace_milliseconds) return;  // the owner is gone
    const auto cancelled_until = Clock::now() + std::chrono::milliseconds(grace_milliseconds);
    deadline = deadline ? std::min(*deadline, cancelled_until) : cancelled_until;
  }
}

// Standard input is the owner's: what the child read would be lost to it.
void leave_standard_input() {
  const auto nothing = open_nothing();
  if (nothing.ok()) (void)copy_to(nothing.value().get(), kStandardInput);
}

}  // namespace

Status ForkedChild::settle_in(std::optional<std::chrono::milliseconds> timeout) {
  lead_group(this_process());
  // The pipe tells the same, unless another child of the owner holds it open.
  end_with_parent();
  // R's own handler would remove the session's temporary directory, which is the
  // owner's.
  crash_without_handlers();
  leave_standard_input();
  const Deadline deadline = deadline_in(timeout);
  return run_in_background("elsewhere-owner", "watches the owner",
                           [control = control_.get(), deadline] {
                             watch(control, deadline);
                             kill_this_group();
                           });
}

// A signal only interrupts the wait. An owner that is gone ends the child by the
// watch.
void ForkedChild::send(PacketKind kind, PacketFlag flag, Bytes body, std::vector<int> fds) {
  const std::uint64_t body_bytes = body.size();
  if (!channel_.send({kind, flag, kNoTask, body_bytes}, std::move(body), std::move(fds)).ok()) {
    return;
  }
  while (!channel_.is_all_sent()) {
    auto sent = channel_.wait_sent({});
    if (!sent.ok() && sent.error().code != ErrorCode::Interrupted) return;
  }
}

void ForkedChild::send_parcel(PacketKind kind, const Parcel& parcel) {
  std::vector<int> fds;
  if (parcel.segment()) fds.push_back(parcel.segment()->fd_to_send());
  send(kind, parcel.flag(), Bytes(parcel.body()), std::move(fds));
}

void ForkedChild::send_event(const Parcel& condition) { send_parcel(PacketKind::Event, condition); }
void ForkedChild::send_value(const Parcel& value) { send_parcel(PacketKind::Result, value); }

void ForkedChild::send_failure(const std::string& message) {
  send(PacketKind::Result, PacketFlag::Failed, Bytes(std::as_bytes(std::span(message))));
}

void ForkedChild::send_aborted() { send(PacketKind::Result, PacketFlag::Aborted, {}); }

}  // namespace elsewhere
