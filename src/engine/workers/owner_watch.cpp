#include "engine/workers/owner_watch.h"

#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
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

void wait_for_end(const OwnerWatch& watch) {
  std::vector<pollfd> entries{{watch.channel_fd, POLLRDHUP, 0}};
  for (const Fd& owner : watch.owners) entries.push_back({owner.get(), POLLIN, 0});
  for (;;) {
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return;
    for (const pollfd& entry : entries) {
      if (entry.revents != 0) return;
    }
  }
}

void watch_owner(const OwnerWatch& watch) {
  wait_for_end(watch);
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
