#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "bridge/reference_search.h"
#include "bridge/serialize.h"

namespace elsewhere {
namespace {

SEXP raw_from(MainThread& main, const Bytes& bytes) {
  SEXP out =
      r_call(main, [&] { return Rf_allocVector(RAWSXP, static_cast<R_xlen_t>(bytes.size())); });
  std::memcpy(RAW(out), bytes.data(), bytes.size());
  return out;
}

}  // namespace

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
    return raw_from(main, to_bytes(main, value, policy));
  });
}

// What a node of parallel answers. A refusal says what the owner can read.
extern "C" SEXP ew_result_bytes(SEXP result, SEXP refuse_references) {
  return guard([&](MainThread& main) {
    const auto policy =
        flag_from(main, refuse_references) ? OnReference::Refuse : OnReference::Allow;
    try {
      return raw_from(main, to_bytes(main, result, policy));
    } catch (const EngineError& error) {
      if (error.code() != ErrorCode::CannotTravel) throw;
      throw EngineError({ErrorCode::CannotTravel, refusal_of(main, result)});
    }
  });
}

// NULL, list(path, class, holder), or FALSE when there was too much to look into.
extern "C" SEXP ew_find_reference(SEXP value, SEXP name, SEXP closures, SEXP globals,
                                  SEXP looked_into_max) {
  return guard([&](MainThread& main) {
    const std::string counts = string_from(main, closures);
    const PartRules rules{counts == "whole"  ? Closures::Whole
                          : counts == "used" ? Closures::Used
                                             : Closures::None,
                          globals};
    const auto most = static_cast<std::size_t>(number_from(main, looked_into_max));
    const FoundReference found = find_reference(main, value, string_from(main, name), rules, most);
    switch (found.answer) {
      case FoundReference::Answer::None: return R_NilValue;
      case FoundReference::Answer::GaveUp:
        return r_call(main, [] { return Rf_ScalarLogical(FALSE); });
      case FoundReference::Answer::Found: break;
    }
    SEXP path = PROTECT(to_r(main, found.path));
    SEXP kind = PROTECT(to_r(main, found.kind));
    SEXP holder = PROTECT(found.holder.empty() ? R_NilValue : to_r(main, found.holder));
    SEXP out = named_list(main, {{"path", path}, {"class", kind}, {"holder", holder}});
    UNPROTECT(3);
    return out;
  });
}

}  // namespace elsewhere
