// The nursery's side of forking: a booted R process that never runs user code
// and forks workers on request, inside its console reader.
#pragma once

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

// true when this process was started to fork workers.
bool is_nursery();

// Serves the requests that come on descriptor 3. Ends the process when its owner
// is gone. Returns in each forked child alone: descriptor 3 is then the child's
// own channel, and the value watches the process that owns the nursery.
Result<Fd> serve_forks();

}  // namespace elsewhere
