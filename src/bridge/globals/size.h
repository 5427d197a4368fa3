// What sending a value would come to, without writing a byte anywhere: vectors of
// any length take the time of small ones.
#pragma once

#include <Rinternals.h>

#include <cstdint>

#include "bridge/main_thread.h"

namespace elsewhere {

std::uint64_t serialized_bytes(MainThread& main, SEXP value);
// No external pointer or weak reference that is alive is in it.
bool can_travel(MainThread& main, SEXP value);

}  // namespace elsewhere
