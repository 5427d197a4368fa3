// The guard of a layer: withCallingHandlers() and withRestarts() of R around the
// body while blocks of it want to hear of conditions, jumps and restarts.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// Has the layer blocks for a guard, and none around it yet?
bool wants_guard(const Coroutine& co, int layer);
void run_guarded(const Coroutine& co, int layer);
// R's restarts are no longer those of the RESTART blocks.
bool is_guard_stale(const Coroutine& co, int layer);

// The guard's own call, and with restarts that of one more withCallingHandlers()
// inside: the innermost function that R knows around the body. R shows the call of
// that in errors and warnings, so it is made anew for each guard and becomes
// shown_call() before R evaluates anything of the body (show_call()). A condition that
// goes on its way with it keeps it: the next expression gets another guard.
SEXP run_shown(const Coroutine& co, int layer, SEXP frame, bool has_handler);
void show_call(const Coroutine& co, int layer);
SEXP guard_call(const Coroutine& co, int layer);

}  // namespace elsewhere::eval
