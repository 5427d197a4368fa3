#include "engine/workers/owner_watch.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "engine/os/process.h"
#include "engine/os/signal.h"
#include "engine/os/socket.h"
#include "engine/os/temporary_directory.h"
#include "engine/os/thread.h"
#include "engine/os/wakeup.h"

namespace elsewhere {
namespace {

// Together they stay well below the second within which a worker is gone.
constexpr std::chrono::milliseconds kOrderlyEnd{300};
constexpr std::chrono::milliseconds kRemovalMax{400};
// A machine that stands still meanwhile has used up one of these, no more.
constexpr std::chrono::milliseconds kStep{20};

// To remove files takes more than a handler may do, so the thread that watches does
// that, while the interrupted one stands still.
Wakeup* sigterm = nullptr;

Status expect_sigterm() {
  auto flag = Wakeup::open();
  if (!flag.ok()) return flag.error();
  sigterm = new Wakeup(std::move(flag.value()));  // lives as long as the process
  return hold_termination(*sigterm);
}

enum class End { Owner, Sigterm };

// The channel alone would do, if no other process could hold its far end open:
// a child that the owner forked may. So the processes are watched, too.
End wait_for_end(const OwnerWatch& watch, Pid parent) {
  std::vector<Awaited> entries{{sigterm == nullptr ? -1 : sigterm->fd()},
                               {watch.channel_fd, Ready::Broken}};
  for (const Process& owner : watch.owners) entries.push_back({owner.watch.get()});
  const auto is_gone = [&](const Process& owner) {
    return !owner.watch && !is_there(owner.pid, parent);
  };
  const bool is_blind = std::any_of(watch.owners.begin(), watch.owners.end(),
                                    [](const Process& owner) { return !owner.watch; });
  const auto patience = is_blind ? std::optional(kLookForProcess) : std::nullopt;
  for (;;) {
    const auto ready = wait_any(entries, patience);
    if (!ready.ok() && ready.error().code != ErrorCode::Interrupted) return End::Owner;
    if (std::any_of(watch.owners.begin(), watch.owners.end(), is_gone)) return End::Owner;
    if (!ready.ok() || !ready.value()) continue;
    return entries[0].is_ready ? End::Sigterm : End::Owner;
  }
}

void watch_owner(const OwnerWatch& watch, Pid parent) {
  if (wait_for_end(watch, parent) == End::Sigterm) {
    remove_directory(watch.temporary_directory);
    end_by_termination();
  }
  if (watch.is_main_thread_idle != nullptr && *watch.is_main_thread_idle) {
    // exit() ends this thread meanwhile
    for (auto slept = kStep; slept <= kOrderlyEnd; slept += kStep) {
      std::this_thread::sleep_for(kStep);
    }
  }
  remove_directory(watch.temporary_directory);
  kill_this_group();
}

}  // namespace

void remove_directory(const std::string& path) { remove_all_of(path, kRemovalMax); }

Status start_owner_watch(OwnerWatch watch) {
  const Pid parent = parent_process();
  if (watch.owners.empty() && parent > 1) {
    auto owner = watch_parent();
    if (!owner.ok() && owner.error().code != ErrorCode::Closed) return owner.error();
    if (owner.ok()) watch.owners.push_back(std::move(owner.value()));
  }
  if (parent_process() != parent) kill_this_group();
  if (watch.cleans_up_at_sigterm) {
    if (auto status = expect_sigterm(); !status.ok()) return status;
  }
  auto shared = std::make_shared<const OwnerWatch>(std::move(watch));
  return run_in_background("elsewhere-owner", "watches the owner",
                           [shared, parent] { watch_owner(*shared, parent); });
}

}  // namespace elsewhere
