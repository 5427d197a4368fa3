// Forms that name a variable or function by a string.
#include <algorithm>
#include <string>
#include <string_view>

#include "bridge/globals/walk.h"
#include "bridge/guard.h"

namespace elsewhere {
namespace {

constexpr std::size_t kTextLengthMax = 1 << 16;
constexpr R_xlen_t kTextsMax = 64;

bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool continues_name(char c) { return starts_name(c) || (c >= '0' && c <= '9') || c == '_'; }

}  // namespace

// do.call("f", ...), sapply(xs, "f"), match.fun("f"): every literal string may
// be the function. A variable may also be its name: match.fun(f) looks for a
// function f() when the variable f holds none.
void Walk::calls_function(SEXP args) {
  out_.calls_closures = true;
  arguments(args);
  // lapply(xs, function(x) ...): the function is there, and xs are its arguments.
  bool has_function = false;
  for (SEXP rest = args; rest != R_NilValue; rest = CDR(rest)) {
    const SEXP value = CAR(rest);
    has_function |= TYPEOF(value) == LANGSXP && CAR(value) == known_.function;
  }
  for (SEXP rest = args; rest != R_NilValue; rest = CDR(rest)) {
    if (!has_function && is_computed_name(CAR(rest))) out_.names_functions = true;
    function_by_name(CAR(rest));
  }
}

// A name that whoever calls this code has given, or that the code has in a
// variable or a part of one: match.fun(f), do.call(how$fun, x), do.call(...).
bool Walk::is_computed_name(SEXP value) {
  if (TYPEOF(value) == SYMSXP) {
    return value == R_DotsSymbol || dots_number(value) > 0 || scope_.is_bound(value);
  }
  if (TYPEOF(value) != LANGSXP || TYPEOF(CAR(value)) != SYMSXP) return false;
  const Form form = form_of(main_, CAR(value));
  return form == Form::Component || form == Form::Bracket;
}

// f("x"), f(c("x", "y")): what f() does with them, the finder knows.
void Walk::text_arguments(SEXP callee, SEXP args) {
  const auto keep = [&](SEXP value) {
    if (TYPEOF(value) != STRSXP) return;
    for (R_xlen_t i = 0; i < XLENGTH(value) && i < kTextsMax; ++i) {
      out_.texts.push_back({callee, STRING_ELT(value, i)});
    }
  };
  for (; args != R_NilValue; args = CDR(args)) {
    const SEXP value = CAR(args);
    keep(value);
    if (TYPEOF(value) != LANGSXP || (CAR(value) != known_.c && CAR(value) != known_.list)) continue;
    for (SEXP rest = CDR(value); rest != R_NilValue; rest = CDR(rest)) keep(CAR(rest));
  }
}

void Walk::function_by_name(SEXP value) {
  switch (TYPEOF(value)) {
    case SYMSXP:
      if (value != R_MissingArg && value != R_DotsSymbol && dots_number(value) == 0) {
        use_function_weakly(value);
      }
      return;
    case STRSXP:
      if (const SEXP symbol = symbol_of(value)) use_function_weakly(symbol);
      return;
    case LANGSXP:
      if (CAR(value) != known_.c) return;
      for (SEXP rest = CDR(value); rest != R_NilValue; rest = CDR(rest)) {
        if (TYPEOF(CAR(rest)) == STRSXP) function_by_name(CAR(rest));
      }
      return;
    default: return;
  }
}

// get("x"), mget(c("x", "y")), exists("x")
void Walk::get_by_name(SEXP args) {
  out_.calls_closures = true;
  arguments(args);
  if (args == R_NilValue) return;
  const auto use = [&](SEXP name) {
    if (TYPEOF(name) != STRSXP) return;
    if (const SEXP symbol = symbol_of(name)) {
      scope_.use_value(symbol, true);
      use_function_weakly(symbol);
    }
  };
  const SEXP first = CAR(args);
  use(first);
  if (is_computed_name(first)) out_.names_functions = out_.names_values = true;
  // What the variable holds names the other one: the finder looks.
  if (TYPEOF(first) == SYMSXP && first != R_MissingArg && dots_number(first) == 0) {
    use_function_weakly(first);
  }
  if (TYPEOF(first) == LANGSXP && CAR(first) == known_.c) {
    for (SEXP rest = CDR(first); rest != R_NilValue; rest = CDR(rest)) use(CAR(rest));
  }
}

// glue("{x}") evaluates what is between braces, parse(text = "x") gives what somebody
// will evaluate. Any word of it may be a name; those that are none are not found.
void Walk::code_in_text(SEXP args, Text kind) {
  out_.calls_closures = true;
  arguments(args);
  for (SEXP rest = args; rest != R_NilValue; rest = CDR(rest)) {
    const SEXP value = CAR(rest);
    if (kind == Text::Code && is_computed_name(value)) {
      out_.names_functions = out_.names_values = true;
    }
    if (TYPEOF(value) != STRSXP) continue;
    for (R_xlen_t i = 0; i < XLENGTH(value); ++i) names_in(STRING_ELT(value, i), kind);
  }
}

void Walk::names_in(SEXP string, Text kind) {
  const std::string_view text(CHAR(string), static_cast<std::size_t>(LENGTH(string)));
  if (text.size() > kTextLengthMax) return;
  int depth = kind == Text::Code ? 1 : 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (kind == Text::Template && (c == '{' || c == '}')) {
      const bool is_escape = depth == 0 && i + 1 < text.size() && text[i + 1] == c;
      if (!is_escape) depth = std::max(0, depth + (c == '{' ? 1 : -1));
      i += is_escape ? 2 : 1;
      continue;
    }
    if (depth <= 0 || !continues_name(c)) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && continues_name(text[end])) ++end;
    // Not a number, and not the name of a component.
    if (starts_name(c) && (i == 0 || (text[i - 1] != '$' && text[i - 1] != '@'))) {
      const std::string name(text.substr(i, end - i));
      const SEXP symbol = r_call(main_, [&] {
        SEXP chars = PROTECT(Rf_mkCharCE(name.c_str(), CE_UTF8));
        SEXP installed = Rf_installTrChar(chars);
        UNPROTECT(1);
        return installed;
      });
      scope_.use_value(symbol, true);
      use_function_weakly(symbol);
    }
    i = end;
  }
}

void Walk::use_method(SEXP args) {
  out_.calls_closures = true;
  arguments(args);
  if (args == R_NilValue || TYPEOF(CAR(args)) != STRSXP || XLENGTH(CAR(args)) != 1) return;
  out_.generics.push_back(STRING_ELT(CAR(args), 0));
}

// `x %>% f` calls f(x); `x %>% f(., n)` has `.` bound by the pipe.
void Walk::pipe(SEXP, SEXP args) {
  out_.calls_closures = true;
  if (args == R_NilValue) return;
  node(CAR(args));
  const SEXP step = second(args);
  argument(step);
  if (TYPEOF(step) == SYMSXP) use_function_weakly(step);
}

}  // namespace elsewhere
