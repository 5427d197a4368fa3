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
#include "engine/os/thread.h"
#include "engine/os/wakeup.h"

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

// A handler can reach nothing else.
Wakeup* sigterm = nullptr;
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
  sigterm->raise();
  for (;;) ::pause();
}

Status expect_sigterm() {
  auto flag = Wakeup::open();
  if (!flag.ok()) return flag.error();
  sigterm = new Wakeup(std::move(flag.value()));  // lives as long as the process
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

// The channel alone would do, if no other process could hold its far end open:
// a child that the owner forked may. So the processes are watched, too.
End wait_for_end(const OwnerWatch& watch, pid_t parent) {
  const int sigterm_fd = sigterm == nullptr ? -1 : sigterm->fd();
  // Nothing asked for: a hang-up is told all the same.
  std::vector<pollfd> entries{{sigterm_fd, POLLIN, 0}, {watch.channel_fd, 0, 0}};
  for (const Process& owner : watch.owners) entries.push_back({owner.watch.get(), POLLIN, 0});
  const auto is_gone = [&](const Process& owner) {
    return !owner.watch && !is_there(owner.pid, parent);
  };
  const bool is_blind = std::any_of(watch.owners.begin(), watch.owners.end(),
                                    [](const Process& owner) { return !owner.watch; });
  for (;;) {
    const int ready = ::poll(entries.data(), entries.size(), is_blind ? kLookForProcessMs : -1);
    if (ready < 0 && errno != EINTR) return End::Owner;
    if (std::any_of(watch.owners.begin(), watch.owners.end(), is_gone)) return End::Owner;
    if (entries[0].revents != 0) return End::Sigterm;
    for (const pollfd& entry : entries) {
      if (entry.revents != 0) return End::Owner;
    }
  }
}

void watch_owner(const OwnerWatch& watch, pid_t parent) {
  if (wait_for_end(watch, parent) == End::Sigterm) {
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
  const pid_t parent = ::getppid();
  if (watch.owners.empty() && parent > 1) {
    auto owner = watch_parent();
    if (!owner.ok() && owner.error().code != ErrorCode::Closed) return owner.error();
    if (owner.ok()) watch.owners.push_back(std::move(owner.value()));
  }
  if (::getppid() != parent) end_process_group();
  if (watch.cleans_up_at_sigterm) {
    if (auto status = expect_sigterm(); !status.ok()) return status;
  }
  const SignalsBlocked blocked;
  try {
    std::thread([watch = std::move(watch), parent] { watch_owner(watch, parent); }).detach();
  } catch (const std::exception& failure) {
    return Error{ErrorCode::System,
                 std::string("cannot start the thread that watches the owner: ") + failure.what()};
  }
  return Done{};
}

}  // namespace elsewhere
