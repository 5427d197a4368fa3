// This R process's engine: made at first use, ended when the package is
// unloaded. A forked child has none.
#pragma once

#include "bridge/main_thread.h"
#include "engine/engine.h"

namespace elsewhere {

// Throws EngineError (Forked) in a child of the process that started it.
Engine& engine(MainThread&);
// nullptr when there is none in this process; for finalizers.
Engine* engine_if_running();
void stop_engine(MainThread&);

}  // namespace elsewhere
