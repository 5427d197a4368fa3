#include "bridge/serialize_plain.h"

#include "bridge/r_api.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace elsewhere {
namespace {

constexpr std::int32_t kVersion = 3, kWrittenBy = 0x040200, kReadableFrom = 0x030500;
constexpr std::string_view kEncoding = "UTF-8";

// R's numbers for values that are no copies.
constexpr std::int32_t kReference = 255, kNil = 254, kGlobalEnvironment = 253, kMissing = 251,
                       kEmptyEnvironment = 242, kBaseEnvironment = 241, kBaseNamespace = 250;
// In the word before a value, beside its type.
constexpr std::int32_t kIsObject = 1 << 8, kHasAttributes = 1 << 9, kHasTag = 1 << 10;
constexpr int kLevelsShift = 12, kReferenceShift = 8;
// Levels of a string.
constexpr std::int32_t kBytesString = 2, kLatin1 = 4, kUtf8 = 8, kAscii = 64;

constexpr std::size_t kBytesMax = 16384;
constexpr int kDepthMax = 100;

class PlainWriter {
 public:
  explicit PlainWriter(Bytes& into) : out_(into) {}

  // false as soon as something is not plain.
  bool put(SEXP value, int depth = 0) {
    if (depth > kDepthMax || out_.size() > kBytesMax) return false;
    if (const auto known = known_value(value)) return put_number(*known);
    switch (TYPEOF(value)) {
      case SYMSXP: return put_symbol(value);
      case CHARSXP: return put_string(value);
      case LANGSXP:
      case LISTSXP: return put_pairs(value, depth);
      case LGLSXP: return put_vector(value, LOGICAL_RO, sizeof(int), depth);
      case INTSXP: return put_vector(value, INTEGER_RO, sizeof(int), depth);
      case REALSXP: return put_vector(value, REAL_RO, sizeof(double), depth);
      case STRSXP: return put_elements(value, STRING_ELT, depth);
      case VECSXP: return put_elements(value, VECTOR_ELT, depth);
      default: return false;
    }
  }

 private:
  static std::optional<std::int32_t> known_value(SEXP value) {
    if (value == R_NilValue) return kNil;
    if (value == R_MissingArg) return kMissing;
    if (value == R_GlobalEnv) return kGlobalEnvironment;
    if (value == R_BaseEnv) return kBaseEnvironment;
    if (value == R_EmptyEnv) return kEmptyEnvironment;
    if (value == R_BaseNamespace) return kBaseNamespace;
    return {};
  }

  bool put_bytes(const void* bytes, std::size_t count) {
    if (count > kBytesMax) return false;
    out_.append({static_cast<const std::byte*>(bytes), count});
    return true;
  }
  bool put_number(std::int32_t number) { return put_bytes(&number, sizeof number); }

  static std::int32_t word_of(SEXP value) {
    return TYPEOF(value) | (Rf_isObject(value) ? kIsObject : 0) |
           (has_attributes(value) ? kHasAttributes : 0);
  }

  bool put_symbol(SEXP symbol) {
    const auto found = std::find(symbols_.begin(), symbols_.end(), symbol);
    const auto place = static_cast<std::int32_t>(found - symbols_.begin()) + 1;
    if (found != symbols_.end()) return put_number(place << kReferenceShift | kReference);
    // R's unbound value is a symbol without a name.
    if (TYPEOF(PRINTNAME(symbol)) != CHARSXP) return false;
    symbols_.push_back(symbol);
    return put_number(SYMSXP) && put_string(PRINTNAME(symbol));
  }

  bool put_string(SEXP string) {
    if (string == NA_STRING) return put_number(CHARSXP) && put_number(-1);
    const std::string_view text(CHAR(string), static_cast<std::size_t>(LENGTH(string)));
    std::int32_t levels = 0;
    switch (Rf_getCharCE(string)) {
      case CE_UTF8: levels = kUtf8; break;
      case CE_LATIN1: levels = kLatin1; break;
      case CE_BYTES: levels = kBytesString; break;
      case CE_NATIVE: levels = kAscii; break;
      default: return false;
    }
    const bool is_ascii =
        std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
    // What it is in depends on the locale.
    if (levels == kAscii && !is_ascii) return false;
    return put_number(CHARSXP | levels << kLevelsShift) &&
           put_number(static_cast<std::int32_t>(text.size())) &&
           put_bytes(text.data(), text.size());
  }

  // A call or an argument list, cell by cell.
  bool put_pairs(SEXP cell, int depth) {
    for (; TYPEOF(cell) == LANGSXP || TYPEOF(cell) == LISTSXP; cell = CDR(cell)) {
      if (Rf_isS4(cell)) return false;
      const bool has_tag = TAG(cell) != R_NilValue;
      const bool is_put = put_number(word_of(cell) | (has_tag ? kHasTag : 0)) &&
                          put_attributes(cell, depth) && (!has_tag || put(TAG(cell), depth + 1)) &&
                          put(CAR(cell), depth + 1);
      if (!is_put) return false;
    }
    return put(cell, depth + 1);
  }

  bool put_attributes(SEXP value, int depth) {
    if (!has_attributes(value)) return true;
    bool is_put = true;
    for_each_attribute(value, [&](SEXP tag, SEXP attribute) {
      is_put = is_put && put_number(LISTSXP | kHasTag) && put(tag, depth + 1) &&
               put(attribute, depth + 1);
    });
    return is_put && put(R_NilValue, depth + 1);
  }

  // What R can write in fewer bytes than it has elements is left to it.
  static bool is_simple(SEXP value) { return !Rf_isS4(value) && !ALTREP(value); }

  template <class Data>
  bool put_vector(SEXP value, const Data* (*data)(SEXP), std::size_t size, int depth) {
    const R_xlen_t count = Rf_xlength(value);
    if (!is_simple(value) || count > static_cast<R_xlen_t>(kBytesMax)) return false;
    return put_number(word_of(value)) && put_number(static_cast<std::int32_t>(count)) &&
           put_bytes(data(value), static_cast<std::size_t>(count) * size) &&
           put_attributes(value, depth);
  }

  bool put_elements(SEXP value, SEXP (*element)(SEXP, R_xlen_t), int depth) {
    const R_xlen_t count = Rf_xlength(value);
    if (!is_simple(value) || count > static_cast<R_xlen_t>(kBytesMax)) return false;
    put_number(word_of(value));
    put_number(static_cast<std::int32_t>(count));
    for (R_xlen_t i = 0; i < count; ++i) {
      if (!put(element(value, i), depth + 1)) return false;
    }
    return put_attributes(value, depth);
  }

  Bytes& out_;
  std::vector<SEXP> symbols_;  // by the number that R's reader will give them
};

}  // namespace

void put_stream_header(Bytes& into) {
  const auto put_text = [&](std::string_view text) { into.append(std::as_bytes(std::span(text))); };
  const auto put_number = [&](std::int32_t number) {
    into.append(std::as_bytes(std::span(&number, 1)));
  };
  put_text("B\n");
  put_number(kVersion);
  put_number(kWrittenBy);
  put_number(kReadableFrom);
  put_number(static_cast<std::int32_t>(kEncoding.size()));
  put_text(kEncoding);
}

std::optional<Bytes> serialize_plain(SEXP value) {
  Bytes out;
  put_stream_header(out);
  if (!PlainWriter(out).put(value)) return {};
  return out;
}

}  // namespace elsewhere
