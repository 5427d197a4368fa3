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
#include <vector>

#include "engine/os/process.h"
#include "engine/os/socket.h"
#include "engine/wire/nursery_body.h"
#include "engine/workers/channel.h"
#include "engine/workers/launch.h"

// After the standard library: R's header declares with C names.
#include <Rinternals.h>

namespace elsewhere {
namespace {

struct Forked {
  pid_t pid;
  Fd pidfd;
  TaskId request;
};

class NurseryMain {
 public:
  explicit NurseryMain(Fd owner) : channel_(Fd(kChannelFd)), owner_(std::move(owner)) {}

  // true in a child, with what the request brought.
  bool serve(Packet& request, std::vector<Fd>& joints);
  Fd take_owner() { return std::move(owner_); }
  // In a child: none of this is its own. The channel's number is reused.
  void let_go() { (void)channel_.release(); }

 private:
  void wait_for_work();
  void report_exits();
  bool fork_one(Packet& request);
  void refuse(TaskId request, const std::string& why);

  Channel channel_;
  Fd owner_;
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
  (void)::poll(entries.data(), entries.size(), -1);
  if (entries[1].revents != 0) end_this_process(0);
}

void NurseryMain::report_exits() {
  std::erase_if(children_, [&](const Forked& child) {
    int status = 0;
    if (::waitpid(child.pid, &status, WNOHANG) != child.pid) return false;
    Bytes body = encode(ExitedBody{WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                                   WIFSIGNALED(status) ? WTERMSIG(status) : 0});
    const std::uint64_t body_bytes = body.size();
    (void)channel_.send({PacketKind::Exited, PacketFlag::None, child.request, body_bytes},
                        std::move(body));
    return true;
  });
}

void NurseryMain::refuse(TaskId request, const std::string& why) {
  Bytes body{std::as_bytes(std::span(why))};
  (void)channel_.send({PacketKind::Forked, PacketFlag::Failed, request, why.size()},
                      std::move(body));
}

bool NurseryMain::fork_one(Packet& request) {
  if (const int threads = count_threads(); threads > 1) {
    refuse(request.task, "it runs " + std::to_string(threads) +
                             " threads (a numerics library that starts some when it is loaded?)");
    return false;
  }
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) return true;
  if (pid < 0) {
    refuse(request.task, system_error("fork()").message);
    return false;
  }
  auto pidfd = open_pidfd(pid);
  if (!pidfd.ok()) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    refuse(request.task, pidfd.error().message);
    return false;
  }
  Bytes body = encode(ForkedBody{pid});
  const std::uint64_t body_bytes = body.size();
  (void)channel_.send({PacketKind::Forked, PacketFlag::HasFds, request.task, body_bytes},
                      std::move(body), {pidfd.value().get()});
  (void)channel_.wait_sent({});  // before the descriptor can be closed
  children_.push_back({pid, std::move(pidfd.value()), request.task});
  return false;
}

bool NurseryMain::serve(Packet& request, std::vector<Fd>& joints) {
  for (;;) {
    wait_for_work();
    report_exits();
    auto packet = channel_.take_packet();
    if (!packet.ok()) end_this_process(0);  // the owner is gone, or is no owner of ours
    if (!packet.value() || packet.value()->kind != PacketKind::Fork) continue;
    joints = channel_.take_fds();
    request = std::move(*packet.value());
    if (joints.size() != 2) {
      refuse(request.task, "the request came without its descriptors");
    } else if (fork_one(request)) {
      return true;
    }
  }
}

// NAME=value, each ended by a zero byte.
void replace_environment(std::span<const std::byte> block) {
  ::clearenv();
  const auto* next = reinterpret_cast<const char*>(block.data());
  const auto* end = next + block.size();
  while (next < end) {
    const std::size_t length = ::strnlen(next, static_cast<std::size_t>(end - next));
    const std::string entry(next, length);
    const auto equals = entry.find('=');
    if (equals != std::string::npos) {
      ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
    }
    next += length + 1;
  }
}

// Every worker has a temporary directory of its own. R makes a new one when it
// finds that the one it has is gone, and the nursery removes its own at once.
void renew_temporary_directory() {
  int failed = 0;
  SEXP call = PROTECT(Rf_lang2(Rf_install("tempdir"), PROTECT(Rf_ScalarLogical(TRUE))));
  R_tryEvalSilent(call, R_BaseEnv, &failed);
  UNPROTECT(2);
}

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

}  // namespace

bool is_nursery() {
  const char* role = std::getenv("ELSEWHERE_ROLE");
  return role != nullptr && std::strcmp(role, "nursery") == 0;
}

Result<Fd> serve_forks() {
  auto owner = open_owner();
  if (!owner.ok()) return owner.error();
  ::fcntl(kChannelFd, F_SETFD, FD_CLOEXEC);
  remove_temporary_directory();
  NurseryMain nursery(std::move(owner.value()));
  Packet request;
  std::vector<Fd> joints;
  nursery.serve(request, joints);
  // From here on this is the child.
  ::setsid();
  nursery.let_go();
  ::dup2(joints[0].get(), kChannelFd);
  ::dup2(joints[1].get(), 1);
  ::dup2(joints[1].get(), 2);
  replace_environment(request.body.span());
  renew_temporary_directory();
  return nursery.take_owner();
}

}  // namespace elsewhere
