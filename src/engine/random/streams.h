// Independent streams of random numbers: jumps of the generator MRG32k3a (P.
// L'Ecuyer 1999), which R calls "L'Ecuyer-CMRG". A stream is 2^127 numbers long,
// a substream 2^76. Pure functions; any thread.
#pragma once

#include <array>
#include <cstdint>

namespace elsewhere {

using RandomState = std::array<std::uint32_t, 6>;

// A state that the generator can be in: neither half all zero, each part below
// its modulus.
bool is_valid(const RandomState& state);

RandomState next_stream(const RandomState& state);
RandomState next_substream(const RandomState& state);

}  // namespace elsewhere
