// What R holds of a session's link: an external pointer, and the register of all
// of them, because a forked child must let go of every one.
#pragma once

#include <Rinternals.h>

#include <memory>

#include "bridge/main_thread.h"
#include "engine/workers/session_link.h"

namespace elsewhere {

// The handle owns the link. Not protected.
SEXP session_to_r(MainThread& main, std::unique_ptr<SessionLink> link);
// Throws Closed for a handle that was saved and loaded, Forked in a child.
SessionLink& session_from(MainThread& main, SEXP handle);
// Closes the link, and lets the nursery forget what was asked for it.
void close_session(SessionLink& link);
// processx kills a process when its handle is collected, also in a child that
// was forked from the owner. `process` is that handle; the child clears it.
void guard_process(MainThread& main, SEXP handle, SEXP process);

}  // namespace elsewhere
