// Strings that name what is found elsewhere: apply_it("my_function", x), where
// apply_it() gives its argument to match.fun(), do.call(), get() and the like.
#include <string_view>

#include "bridge/globals/finder.h"
#include "bridge/guard.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

constexpr int kNameLengthMax = 256;
constexpr R_xlen_t kNamesMax = 64;
constexpr int kDepthMax = 3;
constexpr int kTextsMax = 256;

bool may_be_name(SEXP text) {
  if (text == NA_STRING || LENGTH(text) == 0 || LENGTH(text) > kNameLengthMax) return false;
  return std::string_view(CHAR(text)).find_first_of(" \n\t") == std::string_view::npos;
}

}  // namespace

// Once some code looks functions up by names it was given, every string in the
// code found may be such a name, and every short text in the values. Which one
// reaches it is not followed: a function too many is safe. Variables, which may
// be large, are only taken for the arguments of functions that are not a
// package's. true if something was found.
bool Finder::add_named() {
  const std::size_t before = globals_.size();
  for (; codes_looked_at_ < codes_.size(); ++codes_looked_at_) {
    // A copy: what is found may add to them.
    const Code code = codes_[codes_looked_at_];
    add_named_of(code);
  }
  for (; names_functions_ && values_looked_at_ < globals_.size(); ++values_looked_at_) {
    const Code here{{}, {}, envir_, Level::Expression, static_cast<int>(values_looked_at_)};
    int texts_left = kTextsMax;
    add_named_in(globals_[values_looked_at_].value, 0, here, texts_left);
  }
  return globals_.size() > before || !todo_.empty();
}

void Finder::add_named_of(const Code& code) {
  if (names_functions_) {
    for (const SEXP text : code.strings) add_by_name(text, Wanted::Function, code);
  }
  for (const auto& [callee, text] : code.texts) {
    if (!names_values_ && !is_own(text, Wanted::Function, code)) continue;
    SEXP function = nullptr;
    switch (callee_of(callee, code.env, &function)) {
      case Callee::Other: break;
      case Callee::Own:
        if (names_values_) add_by_name(text, Wanted::Anything, code);
        break;
      case Callee::Package:
        if (summary_of_function(main_, function)->names_functions) {
          add_by_name(text, Wanted::Function, code);
        }
    }
  }
}

// Own: of the workspace, or bound by the code itself.
Finder::Callee Finder::callee_of(SEXP symbol, SEXP env, SEXP* function) {
  if (symbol == nullptr) return Callee::Own;
  const Binding binding = find_binding(main_, symbol, env, Wanted::Function, kept_);
  switch (place_of(main_, binding.frame, env)) {
    case Place::Nowhere:
    case Place::Local:
    case Place::Workspace:
    case Place::Attached: return Callee::Own;
    case Place::Base:
    case Place::Package:
    case Place::Namespace: break;
  }
  const SEXP value = function_of(main_, symbol, binding, kept_);
  if (value == nullptr || TYPEOF(value) != CLOSXP) return Callee::Other;
  *function = value;
  return Callee::Package;
}

bool Finder::is_own(SEXP text, Wanted wanted, const Code& code) {
  if (!may_be_name(text)) return false;
  const SEXP symbol = r_call(main_, [&] { return Rf_installTrChar(text); });
  const Binding binding = find_binding(main_, symbol, code.env, wanted, kept_);
  switch (place_of(main_, binding.frame, code.env)) {
    case Place::Nowhere:
    case Place::Base:
    case Place::Package:
    case Place::Namespace: return false;
    case Place::Local:
    case Place::Workspace:
    case Place::Attached: return true;
  }
  return false;
}

void Finder::add_by_name(SEXP text, Wanted wanted, const Code& code) {
  if (!is_own(text, wanted, code)) return;
  const SEXP symbol = r_call(main_, [&] { return Rf_installTrChar(text); });
  resolve_name(symbol, wanted, false, code.env, code.level, code.owner);
}

// c("fit", "predict"), list(fun = "fit")
void Finder::add_named_in(SEXP value, int depth, const Code& here, int& texts_left) {
  if (TYPEOF(value) == VECSXP && depth < kDepthMax) {
    for (R_xlen_t i = 0; i < XLENGTH(value) && i < kNamesMax; ++i) {
      add_named_in(VECTOR_ELT(value, i), depth + 1, here, texts_left);
    }
  }
  if (TYPEOF(value) != STRSXP || XLENGTH(value) > kNamesMax) return;
  for (R_xlen_t i = 0; i < XLENGTH(value) && texts_left > 0; ++i, --texts_left) {
    add_by_name(STRING_ELT(value, i), Wanted::Function, here);
  }
}

}  // namespace elsewhere
