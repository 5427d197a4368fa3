#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "engine/random/streams.h"

namespace elsewhere {
namespace {

// R's seed of kind L'Ecuyer-CMRG is the kind's code and six numbers.
constexpr R_xlen_t kSeedLength = 7;

RandomState state_from(MainThread&, SEXP seed) {
  if (TYPEOF(seed) != INTSXP || Rf_xlength(seed) != kSeedLength) {
    throw EngineError({ErrorCode::Bug, "an entry wants a seed of seven integers"});
  }
  RandomState state{};
  for (std::size_t i = 0; i < state.size(); ++i) {
    state[i] = static_cast<std::uint32_t>(INTEGER(seed)[i + 1]);
  }
  return state;
}

SEXP seed_from(MainThread& main, int kind, const RandomState& state) {
  return r_call(main, [&] {
    SEXP seed = Rf_allocVector(INTSXP, kSeedLength);
    INTEGER(seed)[0] = kind;
    for (std::size_t i = 0; i < state.size(); ++i) {
      INTEGER(seed)[i + 1] = static_cast<int>(state[i]);
    }
    return seed;
  });
}

}  // namespace

extern "C" SEXP ew_random_next_stream(SEXP seed) {
  return guard([&](MainThread& main) {
    return seed_from(main, INTEGER(seed)[0], next_stream(state_from(main, seed)));
  });
}

// `count` seeds, each the first substream of its own stream; the first stream is
// the one `seed` is in.
extern "C" SEXP ew_random_substreams(SEXP seed, SEXP count) {
  return guard([&](MainThread& main) {
    RandomState stream = state_from(main, seed);
    const auto length = static_cast<R_xlen_t>(REAL(count)[0]);
    SEXP seeds = r_call(main, [&] { return PROTECT(Rf_allocVector(VECSXP, length)); });
    for (R_xlen_t i = 0; i < length; ++i) {
      SET_VECTOR_ELT(seeds, i, seed_from(main, INTEGER(seed)[0], next_substream(stream)));
      stream = next_stream(stream);
    }
    UNPROTECT(1);
    return seeds;
  });
}

}  // namespace elsewhere
