#include "engine/workers/adoption.h"

#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "engine/os/bare.h"
#include "engine/os/file.h"
#include "engine/os/process.h"
#include "engine/os/socket.h"
#include "engine/wire/environment_block.h"

namespace elsewhere {
namespace {

constexpr std::uint64_t kMarksBytesMax = std::uint64_t{1} << 24;

Error cut_short() { return {ErrorCode::Closed, "the stand-in of the session is gone"}; }

Status receive_all(int joint, std::span<std::byte> into, std::vector<Fd>& fds) {
  while (!into.empty()) {
    auto moved = receive_some_with_fds(joint, into, fds);
    if (!moved.ok()) return moved.error();
    if (moved.value().outcome == Transfer::Closed) return cut_short();
    if (moved.value().outcome == Transfer::WouldBlock) {
      auto ready = wait_ready(joint, Ready::Readable, {});
      if (!ready.ok() && ready.error().code != ErrorCode::Interrupted) return ready.error();
      continue;
    }
    into = into.subspan(moved.value().bytes);
  }
  return Done{};
}

// The shell that starts R sets the variable, if there is one, when it is wrong.
void correct_directory(std::vector<std::string>& environment) {
  for (std::string& entry : environment) {
    if (!entry.starts_with("PWD=")) continue;
    std::error_code failed;
    if (std::filesystem::equivalent(entry.substr(4), ".", failed)) continue;
    const auto path = std::filesystem::current_path(failed);
    if (!failed) entry = "PWD=" + path.string();
  }
}

void send_report(const Fd& joint, SessionReport report, std::vector<int> fds) {
  (void)send_some_with_fds(joint.get(), std::as_bytes(std::span(&report, 1)), fds);
}

struct OwnEnd {
  Fd joint;
  Pid session;
  Pid nursery;
};
OwnEnd* own_end = nullptr;

// A fork of the session is not the session, and must not hide its end.
void leave_own_end() { own_end->joint.reset(); }

// A nursery that is there reports the end, also one by a signal, which runs nothing
// here. This one is for the case that it was killed.
void report_own_end(int status, void* data) {
  const auto& end = *static_cast<const OwnEnd*>(data);
  if (this_process() != end.session || parent_process() == end.nursery) return;
  send_report(end.joint, {SessionNews::Exited, status & 0xff}, {});
}

}  // namespace

Status move_in(const Fd& channel, const Fd& directory, std::vector<std::string>& environment) {
  if (auto status = copy_to(channel.get(), kPacketsFd); !status.ok()) return status;
  if (auto status = go_to_directory(directory); !status.ok()) return status;
  correct_directory(environment);
  return Done{};
}

Result<Adopted> adopt_belongings(int joint) {
  Belongings own{};
  bare::Inherited inherited{};
  std::vector<Fd> fds;
  auto status = receive_all(joint, std::as_writable_bytes(std::span(&own, 1)), fds);
  if (!status.ok()) return status.error();
  status = receive_all(joint, std::as_writable_bytes(std::span(&inherited, 1)), fds);
  if (!status.ok()) return status.error();
  if (fds.size() != kBelongingFds || own.marks_bytes > kMarksBytesMax) {
    return Error{ErrorCode::Protocol, "the stand-in sent an unexpected message"};
  }
  std::vector<std::byte> marks(static_cast<std::size_t>(own.marks_bytes));
  std::vector<Fd> none;
  status = receive_all(joint, marks, none);
  if (!status.ok()) return status.error();
  for (int i = 0; i <= static_cast<int>(kErrorFd); ++i) {
    status = copy_to(fds[static_cast<std::size_t>(i)].get(), i);
    if (!status.ok()) return status.error();
  }
  bare::set_inherited(inherited);
  return Adopted{std::move(fds[kStandInFd]), from_block(marks)};
}

Status take_over_from_stand_in(Fd joint) {
  const Pid pid = this_process();
  auto watch = watch_this_process();
  if (!watch.ok()) return watch.error();
  if (auto status = set_close_on_exec(joint.get()); !status.ok()) return status;
  send_report(joint, {SessionNews::Began, pid}, {watch.value().get()});
  auto* own = new OwnEnd{std::move(joint), pid, parent_process()};  // lives as long as the process
  own_end = own;
  in_each_fork(leave_own_end);
  // Where the system keeps the status to itself, the stand-in ends with one that says so.
  (void)tell_status_at_exit(report_own_end, own);
  return Done{};
}

void show_marks(char* room, const std::vector<std::string>& marks) {
  if (room == nullptr) return;
  char* const end = room + std::strlen(room);
  room -= std::strlen(kRoomName) + 1;
  for (const auto& mark : marks) {
    const bool fits = end - room > static_cast<std::ptrdiff_t>(mark.size()) + 4;
    if (!fits) continue;
    std::memcpy(room, mark.c_str(), mark.size() + 1);
    room += mark.size() + 1;
    std::memcpy(room, "_=", 2);  // what is left of the room stays one variable
  }
}

void tell_stand_in(const Fd& joint, SessionReport report) { send_report(joint, report, {}); }

}  // namespace elsewhere
