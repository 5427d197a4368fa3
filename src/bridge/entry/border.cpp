#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "bridge/serialize.h"

namespace elsewhere {

extern "C" SEXP ew_border_init(SEXP raise) {
  return guard([&](MainThread& main) {
    set_raise_function(main, raise);
    return R_NilValue;
  });
}

extern "C" SEXP ew_to_bytes(SEXP value, SEXP refuse_references) {
  return guard([&](MainThread& main) {
    const auto policy =
        flag_from(main, refuse_references) ? OnReference::Refuse : OnReference::Allow;
    const Bytes bytes = to_bytes(main, value, policy);
    SEXP out =
        r_call(main, [&] { return Rf_allocVector(RAWSXP, static_cast<R_xlen_t>(bytes.size())); });
    std::memcpy(RAW(out), bytes.data(), bytes.size());
    return out;
  });
}

}  // namespace elsewhere
