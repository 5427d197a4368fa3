// Functions without their source references, which are larger than the functions
// and hold the file they come from.
#pragma once

#include <Rinternals.h>

namespace elsewhere {

// The closure with `environment` in place of its own, and without the source
// references that R's parser has left in it: what utils::removeSource() does, in
// the time of a walk. Its other attributes stay. Allocates and may fail as R does:
// for the inside of r_call(). Not protected.
SEXP closure_without_source(SEXP closure, SEXP environment);

}  // namespace elsewhere
