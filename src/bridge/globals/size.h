// How many bytes a value takes when it is sent, without writing them anywhere.
#pragma once

#include <Rinternals.h>

#include <cstdint>

#include "bridge/main_thread.h"

namespace elsewhere {

std::uint64_t serialized_bytes(MainThread& main, SEXP value);

}  // namespace elsewhere
