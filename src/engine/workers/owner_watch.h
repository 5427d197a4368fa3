// The control thread of a worker: it waits for the end of the process that owns
// this one and then ends this one, with everything it started, whatever its main
// thread is doing at the time.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/process.h"

namespace elsewhere {

struct OwnerWatch {
  // The channel to the owner. Its hang-up means the owner is gone or has let go.
  int channel_fd = -1;
  // The processes whose end is the worker's. None when the owner is the parent.
  std::vector<Process> owners;
  // Removed, with all it holds, before the end. Empty for none.
  std::string temporary_directory;
  // While this is true the main thread is about to notice the hang-up itself and
  // to end in order; it gets a moment for that. Must live as long as the process.
  const std::atomic<bool>* is_main_thread_idle = nullptr;
  // SIGTERM removes the directory, too, and then ends the process as it ever does. A
  // signal handler of its own is set for that; a fork of the process has it and
  // ends at once.
  bool cleans_up_at_sigterm = false;
};

// Starts the thread, all signals blocked in it. It runs until the process ends.
Status start_owner_watch(OwnerWatch watch);

// Removes a directory and all it holds, within half a second; what is left then
// stays. Nothing for an empty path.
void remove_directory(const std::string& path);

}  // namespace elsewhere
