#include "engine/workers/owner_watch.h"

#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "engine/os/process.h"

namespace elsewhere {
namespace {

using Clock = std::chrono::steady_clock;

// Together they stay well below the second within which a worker is gone.
constexpr std::chrono::milliseconds kOrderlyEnd{300};
constexpr std::chrono::milliseconds kRemovalMax{400};
// A machine that stands still meanwhile has used up one of these, no more.
constexpr std::chrono::milliseconds kStep{20};
constexpr int kOpenDirectoriesMax = 16;

// Used by one thread of a process alone.
Clock::duration removal_left;
Clock::time_point last_removal;

int remove_entry(const char* path, const struct stat*, int, FTW*) {
  ::remove(path);
  const auto now = Clock::now();
  removal_left -= std::min<Clock::duration>(now - std::exchange(last_removal, now), kStep);
  return removal_left <= Clock::duration::zero() ? 1 : 0;
}

// The channel alone would do, if no other process could hold its far end open:
// a child that the owner forked may. The parent's end is therefore watched too.
Fd open_parent() {
  const pid_t parent = ::getppid();
  if (parent <= 1) return {};
  auto pidfd = open_pidfd(parent);
  if (!pidfd.ok()) return {};
  // The number was opened, then it was still our parent: the right process.
  if (::getppid() != parent) return {};
  return std::move(pidfd.value());
}

// A handler can reach nothing else.
int sigterm_fd = -1;
pid_t sigterm_pid = -1;

// To remove files takes more than a handler may do, so the thread that watches does
// that, while the interrupted one stands still. SIGTERM is blocked in a handler of
// its own: the fork's comes when this one returns.
void on_sigterm(int) {
  if (::getpid() != sigterm_pid) {
    ::signal(SIGTERM, SIG_DFL);
    ::raise(SIGTERM);
    return;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(sigterm_fd, &one, sizeof one);
  for (;;) ::pause();
}

Status expect_sigterm() {
  sigterm_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (sigterm_fd < 0) return system_error("eventfd()");
  sigterm_pid = ::getpid();
  struct sigaction action {};
  action.sa_handler = on_sigterm;
  if (::sigaction(SIGTERM, &action, nullptr) != 0) return system_error("sigaction()");
  return Done{};
}

[[noreturn]] void end_by_sigterm() {
  ::signal(SIGTERM, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGTERM);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  ::raise(SIGTERM);
  for (;;) ::pause();
}

enum class End { Owner, Sigterm };

End wait_for_end(const OwnerWatch& watch) {
  std::vector<pollfd> entries{{sigterm_fd, POLLIN, 0}, {watch.channel_fd, POLLRDHUP, 0}};
  for (const Fd& owner : watch.owners) entries.push_back({owner.get(), POLLIN, 0});
  for (;;) {
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return End::Owner;
    if (entries[0].revents != 0) return End::Sigterm;
    for (const pollfd& entry : entries) {
      if (entry.revents != 0) return End::Owner;
    }
  }
}

void watch_owner(const OwnerWatch& watch) {
  if (wait_for_end(watch) == End::Sigterm) {
    remove_directory(watch.temporary_directory);
    end_by_sigterm();
  }
  if (watch.is_main_thread_idle != nullptr && *watch.is_main_thread_idle) {
    // exit() ends this thread meanwhile
    for (auto slept = kStep; slept <= kOrderlyEnd; slept += kStep) {
      std::this_thread::sleep_for(kStep);
    }
  }
  remove_directory(watch.temporary_directory);
  end_process_group();
}

}  // namespace

void remove_directory(const std::string& path) {
  if (path.empty()) return;
  removal_left = kRemovalMax;
  last_removal = Clock::now();
  ::nftw(path.c_str(), remove_entry, kOpenDirectoriesMax, FTW_DEPTH | FTW_PHYS);
}

void end_process_group() {
  if (::getpgrp() == ::getpid()) ::kill(0, SIGKILL);
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();  // the signal is on its way
}

Status start_owner_watch(OwnerWatch watch) {
  const pid_t parent_before = ::getppid();
  if (watch.owners.empty()) watch.owners.push_back(open_parent());
  if (::getppid() != parent_before) end_process_group();
  if (watch.cleans_up_at_sigterm) {
    if (auto status = expect_sigterm(); !status.ok()) return status;
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([watch = std::move(watch)] { watch_owner(watch); }).detach();
  } catch (const std::exception& failure) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return Error{ErrorCode::System,
                 std::string("cannot start the thread that watches the owner: ") + failure.what()};
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return Done{};
}

}  // namespace elsewhere
