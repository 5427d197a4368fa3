// The nursery's side of forking: a booted R process that never runs user code
// and forks workers on request, inside its console reader.
#pragma once

#include <Rinternals.h>

#include <vector>

#include "engine/base/result.h"
#include "engine/os/process.h"

namespace elsewhere {

// true when this process was started to fork workers.
bool is_nursery();

// What a forked child is to be.
struct Role {
  // Descriptors of the processes it must not outlive: the one that owns the
  // nursery and, for a session, its stand-in.
  std::vector<Process> owners;
};

// Serves the requests that come on descriptor 3. Ends the process when its owner
// is gone. Returns in each forked child alone: descriptor 3 is then the child's
// own channel. `functions` is the environment of what a worker calls.
Result<Role> serve_forks(SEXP functions);

}  // namespace elsewhere
