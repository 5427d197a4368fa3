// One pass over a piece of code: what it needs from outside. Reads the code
// only: nothing is looked up, forced or evaluated, so the result holds wherever
// the code is used. R's main thread; never blocks.
#pragma once

#include <Rinternals.h>

#include "bridge/globals/summary.h"
#include "bridge/main_thread.h"

namespace elsewhere {

// Whether names in the code are surely evaluated, or only may be (quoted code).
enum class Certainty { Certain, Maybe };

// Throws EngineError (TooLarge) when the code is nested too deeply to be
// evaluated by R either.
Summary summarise_code(MainThread& main, SEXP code, Certainty certainty);
Summary summarise_function(MainThread& main, SEXP formals, SEXP body);

}  // namespace elsewhere
