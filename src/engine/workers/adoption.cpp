#include "engine/workers/adoption.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstring>
#include <span>

#include "engine/os/socket.h"
#include "engine/wire/belongings.h"

namespace elsewhere {
namespace {

// A block of variables longer than any kernel takes is none.
constexpr std::uint64_t kEnvironmentBytesMax = std::uint64_t{1} << 24;

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

std::vector<std::string> split(std::span<const char> block) {
  std::vector<std::string> entries;
  const char* next = block.data();
  const char* end = next + block.size();
  while (next < end) {
    const std::size_t length = ::strnlen(next, static_cast<std::size_t>(end - next));
    entries.emplace_back(next, length);
    next += length + 1;
  }
  return entries;
}

// What cannot be set to its value is the nursery's, which had the same start.
void apply(const Belongings& own) {
  ::umask(own.mask);
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    ::setrlimit(static_cast<__rlimit_resource_t>(i), &own.limits[i]);
  }
  ::sched_setaffinity(0, sizeof own.processors, &own.processors);
  if (::getpriority(PRIO_PROCESS, 0) != own.niceness) {
    ::setpriority(PRIO_PROCESS, 0, own.niceness);
  }
}

// The shell that starts R sets the variable, if there is one, when it is wrong.
void correct_directory(std::vector<std::string>& environment) {
  for (std::string& entry : environment) {
    if (!entry.starts_with("PWD=")) continue;
    struct stat named {
    }, here{};
    const bool is_right = ::stat(entry.c_str() + 4, &named) == 0 && ::stat(".", &here) == 0 &&
                          named.st_dev == here.st_dev && named.st_ino == here.st_ino;
    std::array<char, PATH_MAX> path;
    if (!is_right && ::getcwd(path.data(), path.size()) != nullptr) {
      entry = std::string("PWD=") + path.data();
    }
  }
}

}  // namespace

Result<Adopted> adopt_belongings(int joint) {
  Belongings own{};
  std::vector<Fd> fds;
  auto status = receive_all(joint, std::as_writable_bytes(std::span(&own, 1)), fds);
  if (!status.ok()) return status.error();
  if (fds.size() != kBelongingFds || own.environment_bytes > kEnvironmentBytesMax) {
    return Error{ErrorCode::Protocol, "the stand-in sent something else than its belongings"};
  }
  std::vector<char> block(own.environment_bytes);
  std::vector<Fd> none;
  status = receive_all(joint, std::as_writable_bytes(std::span(block)), none);
  if (!status.ok()) return status.error();
  for (int i = 0; i <= static_cast<int>(kPacketsFd); ++i) {
    if (::dup2(fds[static_cast<std::size_t>(i)].get(), i) < 0) return system_error("dup2()");
  }
  if (::fchdir(fds[kDirectoryFd].get()) != 0) {
    return system_error("cannot go to the working directory of the session");
  }
  apply(own);
  Adopted adopted{std::move(fds[kStandInFd]), split(block)};
  correct_directory(adopted.environment);
  return adopted;
}

}  // namespace elsewhere
