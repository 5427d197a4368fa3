// Small values of everyday kinds to the bytes that R would make of them, without
// R: its own way takes 9 kB of its heap for each value, and with that brings the
// next garbage collection on.
#pragma once

#include <Rinternals.h>

#include <optional>

#include "engine/base/bytes.h"

namespace elsewhere {

// What a stream says of itself before the value.
void put_stream_header(Bytes& into);

// Nothing for what is not plain and small: environments, functions, S4 objects,
// what is shared by reference, more than some kilobytes. Allocates nothing in R
// and does not jump.
std::optional<Bytes> serialize_plain(SEXP value);

}  // namespace elsewhere
