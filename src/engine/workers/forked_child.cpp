#include "engine/workers/forked_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <thread>

#include "engine/os/process.h"
#include "engine/os/thread.h"
#include "engine/workers/owner_watch.h"

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;

// poll() takes milliseconds, and no more than fit an int.
int poll_milliseconds(Deadline deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000000));
}

// Returns when the child is to end.
void watch(int control_fd, Deadline deadline) {
  for (;;) {
    if (deadline && Clock::now() >= *deadline) return;
    pollfd entry{control_fd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, poll_milliseconds(deadline));
    if (ready < 0 && errno != EINTR) return;
    if (ready <= 0) continue;
    std::int64_t grace_milliseconds = 0;
    if (::read(control_fd, &grace_milliseconds, sizeof grace_milliseconds) !=
        sizeof grace_milliseconds) {
      return;  // the owner is gone
    }
    const auto cancelled_until = Clock::now() + std::chrono::milliseconds(grace_milliseconds);
    deadline = deadline ? std::min(*deadline, cancelled_until) : cancelled_until;
  }
}

void use_defaults_for_crashes() {
  // R's own handler would remove the session's temporary directory, which is the
  // owner's.
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::signal(number, SIG_DFL);
}

// Standard input is the owner's: what the child read would be lost to it.
void leave_standard_input() {
  Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (nothing) ::dup2(nothing.get(), STDIN_FILENO);
}

}  // namespace

Status ForkedChild::settle_in(std::optional<std::chrono::milliseconds> timeout) {
  ::setpgid(0, 0);
  // The pipe tells the same, unless another child of the owner holds it open.
  end_with_parent();
  use_defaults_for_crashes();
  leave_standard_input();
  const SignalsBlocked blocked;
  try {
    const Deadline deadline = deadline_in(timeout);
    std::thread([control = control_.get(), deadline] {
      watch(control, deadline);
      end_process_group();
    }).detach();
  } catch (const std::exception& failure) {
    return Error{ErrorCode::System,
                 std::string("cannot start the thread that watches the owner: ") + failure.what()};
  }
  return Done{};
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
