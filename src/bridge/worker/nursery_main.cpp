#include "bridge/worker/nursery_main.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bridge/worker/arrival.h"
#include "bridge/worker/own_directory.h"
#include "engine/os/process.h"
#include "engine/os/socket.h"
#include "engine/os/temporary_directory.h"
#include "engine/wire/belongings.h"
#include "engine/wire/environment_block.h"
#include "engine/wire/nursery_body.h"
#include "engine/workers/adoption.h"
#include "engine/workers/channel.h"
#include "engine/workers/launch.h"
#include "engine/workers/owner_watch.h"

// After the standard library: R's header declares with C names.
#include <Rinternals.h>

// After it: wants its types.
#include <Rembedded.h>

namespace elsewhere {
namespace {

constexpr const char* kRoomName = "ELSEWHERE_ROOM";
// A nursery without sessions goes after this time; the next session starts another.
constexpr int kIdleMilliseconds = 5 * 60 * 1000;

bool is_for_sessions() { return std::getenv(kRoomName) != nullptr; }

struct Forked {
  pid_t pid;
  Fd pidfd;
  TaskId request;
  Fd joint;               // to the stand-in of a session, which hears how it ended
  std::string directory;  // of a worker of a pool; a session's is its owner's business
};

constexpr std::size_t kPoolJoints = 2;     // channel and output
constexpr std::size_t kSessionJoints = 3;  // stand-in, channel and working directory

bool is_for_session(const std::vector<Fd>& joints) { return joints.size() == kSessionJoints; }

// A stand-in that is gone need not be told.
void tell_stand_in(const Fd& joint, SessionReport report, std::vector<int> fds) {
  (void)send_some_with_fds(joint.get(), std::as_bytes(std::span(&report, 1)), fds);
}

void report_end(const Fd& joint, int status) {
  tell_stand_in(joint,
                WIFSIGNALED(status) ? SessionReport{SessionNews::Signalled, WTERMSIG(status)}
                                    : SessionReport{SessionNews::Exited, WEXITSTATUS(status)},
                {});
}

class NurseryMain {
 public:
  NurseryMain(Fd owner, SEXP functions)
      : channel_(Fd(kChannelFd)), owner_(std::move(owner)), functions_(functions) {}

  // true in a child, with what the request brought.
  bool serve(Packet& request, std::vector<Fd>& joints);
  const std::string& directory() const { return directory_; }
  Fd take_owner() { return std::move(owner_); }
  // In a child: none of this is its own. The channel's number is reused.
  void let_go() { (void)channel_.release(); }

 private:
  void wait_for_work();
  void report_exits();
  void preload(const Packet& packet);
  bool fork_one(Packet& request, std::vector<Fd>& joints);
  void refuse(TaskId request, const std::vector<Fd>& joints, const std::string& why);

  Channel channel_;
  Fd owner_;
  SEXP functions_;
  std::string directory_;  // of the process that is forked next, or was
  std::vector<Forked> children_;
};

// A fork copies the thread that calls it alone: whatever another thread holds,
// a lock of a numerics library, say, would be held for ever in the child.
int count_threads() {
  std::error_code failed;
  const std::filesystem::directory_iterator tasks("/proc/self/task", failed);
  return failed ? 1 : static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

void NurseryMain::wait_for_work() {
  std::vector<pollfd> entries{{channel_.fd(), POLLIN, 0}, {owner_.get(), POLLIN, 0}};
  for (const auto& child : children_) entries.push_back({child.pidfd.get(), POLLIN, 0});
  const bool is_needed = !children_.empty() || !is_for_sessions();
  const int ready = ::poll(entries.data(), entries.size(), is_needed ? -1 : kIdleMilliseconds);
  if (ready == 0 || entries[1].revents != 0) end_this_process(0);
}

void NurseryMain::report_exits() {
  std::erase_if(children_, [&](const Forked& child) {
    int status = 0;
    if (::waitpid(child.pid, &status, WNOHANG) != child.pid) return false;
    remove_all_of(child.directory);
    if (child.joint) {
      report_end(child.joint, status);
      return true;
    }
    Bytes body = encode(ExitedBody{WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                                   WIFSIGNALED(status) ? WTERMSIG(status) : 0});
    const std::uint64_t body_bytes = body.size();
    (void)channel_.send({PacketKind::Exited, PacketFlag::None, child.request, body_bytes},
                        std::move(body));
    return true;
  });
}

void NurseryMain::refuse(TaskId request, const std::vector<Fd>& joints, const std::string& why) {
  if (is_for_session(joints)) tell_stand_in(joints[0], {SessionNews::Refused, 0}, {});
  Bytes body{std::as_bytes(std::span(why))};
  (void)channel_.send({PacketKind::Forked, PacketFlag::Failed, request, why.size()},
                      std::move(body));
}

bool NurseryMain::fork_one(Packet& request, std::vector<Fd>& joints) {
  if (const int threads = count_threads(); threads > 1) {
    refuse(request.task, joints,
           "it runs " + std::to_string(threads) +
               " threads (a numerics library that starts some when it is loaded?)");
    return false;
  }
  std::fflush(nullptr);
  directory_.clear();
  if (!is_for_session(joints)) {
    auto made = make_temporary_directory(temporary_parents(from_block(request.body.span())));
    if (made.ok()) directory_ = std::move(made.value());
  }
  const pid_t pid = ::fork();
  if (pid == 0) return true;
  if (pid < 0) {
    refuse(request.task, joints, system_error("fork()").message);
    remove_all_of(directory_);
    return false;
  }
  auto pidfd = open_pidfd(pid);
  if (!pidfd.ok()) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    remove_all_of(directory_);
    refuse(request.task, joints, pidfd.error().message);
    return false;
  }
  Bytes body = encode(ForkedBody{pid});
  const std::uint64_t body_bytes = body.size();
  (void)channel_.send({PacketKind::Forked, PacketFlag::HasFds, request.task, body_bytes},
                      std::move(body), {pidfd.value().get()});
  (void)channel_.wait_sent({});  // before the descriptor can be closed
  Fd joint = is_for_session(joints) ? std::move(joints[0]) : Fd();
  children_.push_back(
      {pid, std::move(pidfd.value()), request.task, std::move(joint), std::move(directory_)});
  return false;
}

// What every fork would do first is done once, here.
void NurseryMain::preload(const Packet& packet) {
  int failed = 0;
  SEXP bytes = PROTECT(Rf_allocVector(RAWSXP, static_cast<R_xlen_t>(packet.body.size())));
  std::memcpy(RAW(bytes), packet.body.data(), packet.body.size());
  SEXP call = PROTECT(Rf_lang2(Rf_install("install"), bytes));
  R_tryEval(call, functions_, &failed);
  UNPROTECT(2);
  if (failed != 0) end_this_process(1);
  // What has survived two collections is left alone by all but the rarest, and
  // stays shared with the forks.
  for (int i = 0; i < 3; ++i) R_gc();
}

bool NurseryMain::serve(Packet& request, std::vector<Fd>& joints) {
  for (;;) {
    wait_for_work();
    report_exits();
    auto packet = channel_.take_packet();
    if (!packet.ok()) end_this_process(0);  // the owner is gone, or is no owner of ours
    if (!packet.value()) continue;
    if (packet.value()->kind == PacketKind::Setup) preload(*packet.value());
    if (packet.value()->kind != PacketKind::Fork) continue;
    joints = channel_.take_fds();
    request = std::move(*packet.value());
    if (joints.size() != kPoolJoints && !is_for_session(joints)) {
      refuse(request.task, joints, "the request came without its descriptors");
    } else if (fork_one(request, joints)) {
      return true;
    }
    // A copy here would hide the end of the fork's own.
    joints.clear();
  }
}

// The marks by which processx finds what a session has started are looked for in
// the memory where a process was given its environment. That of a fork is the
// nursery's, where a variable keeps room for them: `room` is its value.
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

// From here on the stand-in knows that this process is the session.
Status take_over_from_stand_in(const Fd& joint) {
  const pid_t pid = ::getpid();
  auto pidfd = open_pidfd(pid);
  if (!pidfd.ok()) return pidfd.error();
  tell_stand_in(joint, {SessionNews::Began, pid}, {pidfd.value().get()});
  return Done{};
}

// Its forks have directories of their own.
void remove_temporary_directory() {
  int failed = 0;
  SEXP place = PROTECT(Rf_lang1(Rf_install("tempdir")));
  SEXP call = PROTECT(Rf_lang3(Rf_install("unlink"), place, PROTECT(Rf_ScalarLogical(TRUE))));
  R_tryEvalSilent(call, R_BaseEnv, &failed);
  UNPROTECT(3);
}

Result<Fd> open_owner() {
  const pid_t owner = ::getppid();
  auto pidfd = open_pidfd(owner);
  if (pidfd.ok() && ::getppid() != owner) return Error{ErrorCode::Closed, "the owner is gone"};
  return pidfd;
}

void become_pool_worker(const Packet& request, const std::vector<Fd>& joints,
                        const std::string& directory) {
  ::dup2(joints[0].get(), kChannelFd);
  ::dup2(joints[1].get(), 1);
  ::dup2(joints[1].get(), 2);
  replace_environment(from_block(request.body.span()));
  renew_directory(directory);
}

// Does what it can while processx still starts the stand-in, then waits for that.
// Returns a descriptor of the stand-in. `own` is the nursery's environment.
Result<Fd> become_session(const Packet& request, const std::vector<Fd>& joints,
                          const std::vector<std::string>& own) {
  char* const room = std::getenv(kRoomName);
  auto environment = from_block(request.body.span());
  if (auto status = move_in(joints[1], joints[2], environment); !status.ok()) {
    return status.error();
  }
  renew_directory(start_environment(environment, own));
  const std::string preamble = arrive().preamble;
  const bool is_prepared = run_preamble(preamble, Errors::Silent);
  auto adopted = adopt_belongings(joints[0].get());
  if (!adopted.ok()) {
    if (adopted.error().code != ErrorCode::Closed) return adopted.error();
    // Killed before it was a session: nobody is left to be told.
    if (R_TempDir != nullptr) remove_directory(R_TempDir);
    end_this_process(0);
  }
  if (auto status = take_over_from_stand_in(joints[0]); !status.ok()) return status.error();
  show_marks(room, adopted.value().marks);
  add_environment(adopted.value().marks);
  R_setStartTime();
  // Once more, for the owner to see what is wrong with it.
  if (!is_prepared && !run_preamble(preamble, Errors::Shown)) end_this_process(1);
  return std::move(adopted.value().stand_in);
}

}  // namespace

bool is_nursery() {
  const char* role = std::getenv("ELSEWHERE_ROLE");
  return role != nullptr && std::strcmp(role, "nursery") == 0;
}

Result<Role> serve_forks(SEXP functions) {
  auto owner = open_owner();
  if (!owner.ok()) return owner.error();
  ::fcntl(kChannelFd, F_SETFD, FD_CLOEXEC);
  remove_temporary_directory();
  const auto own = current_environment();
  NurseryMain nursery(std::move(owner.value()), functions);
  Packet request;
  std::vector<Fd> joints;
  nursery.serve(request, joints);
  // From here on this is the child.
  ::setsid();
  nursery.let_go();
  Role role;
  role.owners.push_back(nursery.take_owner());
  if (!is_for_session(joints)) {
    become_pool_worker(request, joints, nursery.directory());
    return role;
  }
  auto stand_in = become_session(request, joints, own);
  if (!stand_in.ok()) return stand_in.error();
  role.owners.push_back(std::move(stand_in.value()));
  return role;
}

}  // namespace elsewhere
