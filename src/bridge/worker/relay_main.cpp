#include "bridge/worker/relay_main.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "bridge/worker/own_directory.h"
#include "engine/os/process.h"
#include "engine/os/socket.h"
#include "engine/wire/greeting.h"
#include "engine/workers/launch.h"
#include "engine/workers/owner_watch.h"
#include "engine/workers/relay.h"

namespace elsewhere {
namespace {

constexpr const char* kRole = "ELSEWHERE_ROLE";
constexpr const char* kVersion = "ELSEWHERE_VERSION";

// Standard input and output are the way to the owner; what R and its code print
// goes where errors go, and what they read is empty.
Result<std::pair<Fd, Fd>> take_standard_streams() {
  auto in = duplicate(STDIN_FILENO);
  if (!in.ok()) return in.error();
  auto out = duplicate(STDOUT_FILENO);
  if (!out.ok()) return out.error();
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing || ::dup2(nothing.get(), STDIN_FILENO) < 0 ||
      ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    return system_error("cannot set up the standard streams of a worker");
  }
  return std::pair{std::move(in.value()), std::move(out.value())};
}

}  // namespace

bool is_relay() {
  const char* role = std::getenv(kRole);
  return role != nullptr && std::strcmp(role, "relay") == 0;
}

Status serve_far_owner() {
  const char* version = std::getenv(kVersion);
  const std::string speaks = what_is_spoken(version == nullptr ? "" : version);
  ::unsetenv(kRole);
  ::unsetenv(kVersion);
  std::fflush(nullptr);
  auto streams = take_standard_streams();
  if (!streams.ok()) return streams.error();
  auto pair = socket_pair();
  if (!pair.ok()) return pair.error();
  auto& [ours, theirs] = pair.value();
  auto forked = fork_process();
  if (!forked.ok()) return forked.error();
  const pid_t pid = forked.value().pid;
  if (pid == 0) {
    ::setsid();
    // One of these may have the number that the channel is to have.
    ours.reset();
    streams.value().first.reset();
    streams.value().second.reset();
    if (::dup2(theirs.get(), kChannelFd) < 0)
      return system_error("cannot give a worker its channel");
    if (theirs.get() == kChannelFd) (void)theirs.release();
    return Done{};
  }
  theirs.reset();
  Relay relay(std::move(streams.value().first), std::move(streams.value().second), std::move(ours),
              std::move(forked.value()));
  const int status = relay.run(encode(Greeting{pid, speaks}));
  // The worker shares this directory, and may not have been able to remove it.
  remove_directory(temporary_directory());
  end_this_process(status);
}

}  // namespace elsewhere
