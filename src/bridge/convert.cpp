#include "bridge/convert.h"

#include <algorithm>
#include <cmath>

#include "bridge/guard.h"

namespace elsewhere {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw EngineError({ErrorCode::Bug, std::string("an entry wants ") + what});
}

constexpr double kSecondsMax = 1e6;  // over a week counts as for ever in one wait

}  // namespace

bool flag_from(MainThread&, SEXP value) {
  require(TYPEOF(value) == LGLSXP && Rf_xlength(value) == 1, "one logical");
  return LOGICAL(value)[0] == TRUE;
}

int int_from(MainThread& main, SEXP value) { return static_cast<int>(number_from(main, value)); }

double number_from(MainThread&, SEXP value) {
  const bool is_number = TYPEOF(value) == REALSXP || TYPEOF(value) == INTSXP;
  require(is_number && Rf_xlength(value) == 1, "one number");
  return TYPEOF(value) == REALSXP ? REAL(value)[0] : INTEGER(value)[0];
}

std::string string_from(MainThread& main, SEXP value) {
  require(TYPEOF(value) == STRSXP && Rf_xlength(value) == 1, "one string");
  return r_call(main, [&] { return Rf_translateCharUTF8(STRING_ELT(value, 0)); });
}

std::vector<std::string> strings_from(MainThread& main, SEXP value) {
  require(TYPEOF(value) == STRSXP, "strings");
  std::vector<std::string> out;
  for (R_xlen_t i = 0; i < Rf_xlength(value); ++i) {
    out.emplace_back(r_call(main, [&] { return Rf_translateCharUTF8(STRING_ELT(value, i)); }));
  }
  return out;
}

std::optional<std::chrono::milliseconds> seconds_from(MainThread& main, SEXP value) {
  const double seconds = number_from(main, value);
  if (std::isnan(seconds) || seconds > kSecondsMax) return {};
  return std::chrono::milliseconds(static_cast<long>(std::ceil(std::max(seconds, 0.0) * 1000)));
}

SEXP to_r(MainThread& main, const std::string& text) {
  return r_call(main, [&] {
    SEXP one = PROTECT(Rf_mkCharLenCE(text.data(), static_cast<int>(text.size()), CE_UTF8));
    SEXP out = Rf_ScalarString(one);
    UNPROTECT(1);
    return out;
  });
}

SEXP to_r(MainThread& main, const std::vector<std::string>& texts) {
  return r_call(main, [&] {
    SEXP out = PROTECT(Rf_allocVector(STRSXP, static_cast<R_xlen_t>(texts.size())));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      SET_STRING_ELT(out, static_cast<R_xlen_t>(i),
                     Rf_mkCharLenCE(texts[i].data(), static_cast<int>(texts[i].size()), CE_UTF8));
    }
    UNPROTECT(1);
    return out;
  });
}

SEXP named_list(MainThread& main, std::initializer_list<std::pair<const char*, SEXP>> fields) {
  return r_call(main, [&] {
    const auto count = static_cast<R_xlen_t>(fields.size());
    SEXP out = PROTECT(Rf_allocVector(VECSXP, count));
    SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
    R_xlen_t i = 0;
    for (const auto& [name, value] : fields) {
      SET_VECTOR_ELT(out, i, value);
      SET_STRING_ELT(names, i++, Rf_mkChar(name));
    }
    Rf_setAttrib(out, R_NamesSymbol, names);
    UNPROTECT(2);
    return out;
  });
}

}  // namespace elsewhere
