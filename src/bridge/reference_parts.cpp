#include "bridge/reference_parts.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>

#include "bridge/guard.h"
#include "bridge/pointer_map.h"
#include "bridge/r_api.h"
#include "bridge/serialize.h"

namespace elsewhere {
namespace {

using Parts = std::vector<Part>;

struct Symbols {
  SEXP environment = Rf_install(".Environment");
  SEXP fastmap_index = Rf_install("key_idx_map");
  SEXP data = Rf_install(".xData");
  SEXP source[3] = {Rf_install("srcref"), Rf_install("srcfile"), Rf_install("wholeSrcref")};
};

const Symbols& symbols() {
  static const Symbols all;
  return all;
}

bool is_about_source(SEXP tag) {
  const auto& source = symbols().source;
  return std::find(std::begin(source), std::end(source), tag) != std::end(source);
}

// An environment that travels by its name.
bool travels_by_name(MainThread& main, SEXP env) {
  if (TYPEOF(env) != ENVSXP || env == R_GlobalEnv || env == R_EmptyEnv || env == R_BaseEnv ||
      env == R_BaseNamespace)
    return true;
  return r_call(main, [&] { return R_IsNamespaceEnv(env) || R_IsPackageEnv(env); });
}

void add(Parts& parts, SEXP value, StepKind kind, SEXP symbol = R_NilValue, R_xlen_t index = 0) {
  parts.push_back({value, kind, symbol, index});
}

// What is bound, as an object; null for nothing. Inside an r_call().
SEXP bound_in(SEXP env, SEXP symbol, const Slot& slot, Kept& kept) {
  switch (slot.kind) {
    case Slot::Kind::Unbound: return nullptr;
    case Slot::Kind::Value: return slot.value;
    case Slot::Kind::Delayed: return kept.add(promise_in(env, symbol));
    case Slot::Kind::Active: return R_ActiveBindingFunction(symbol, env);
  }
  return nullptr;
}

void add_binding(MainThread& main, SEXP env, SEXP symbol, StepKind kind, Parts& parts, Kept& kept) {
  Slot slot;
  const SEXP value = r_call(main, [&] {
    slot = slot_in(env, symbol);
    return bound_in(env, symbol, slot, kept);
  });
  if (value == nullptr) return;
  add(parts, value, slot.kind == Slot::Kind::Active ? StepKind::Binding : kind, symbol);
}

// In one go: environments may hold many thousands.
void add_variables(MainThread& main, SEXP env, Parts& parts, Kept& kept) {
  SEXP all = PROTECT(r_call(main, [&] {
    SEXP names = PROTECT(R_lsInternal3(env, TRUE, FALSE));
    SEXP cells = PROTECT(Rf_allocVector(VECSXP, XLENGTH(names)));
    for (R_xlen_t i = 0; i < XLENGTH(names); ++i) {
      SEXP symbol = Rf_installTrChar(STRING_ELT(names, i));
      const Slot slot = slot_in(env, symbol);
      const SEXP value = bound_in(env, symbol, slot, kept);
      if (value == nullptr) continue;
      const bool is_active = slot.kind == Slot::Kind::Active;
      SET_VECTOR_ELT(cells, i, Rf_cons(value, is_active ? R_NilValue : symbol));
      SET_TAG(VECTOR_ELT(cells, i), symbol);
    }
    UNPROTECT(2);
    return cells;
  }));
  // A fastmap builds its index anew where it finds it dead.
  const bool is_fastmap = index_of_fastmap(env) != nullptr;
  for (R_xlen_t i = 0; i < XLENGTH(all); ++i) {
    const SEXP cell = VECTOR_ELT(all, i);
    if (cell == R_NilValue || (is_fastmap && TAG(cell) == symbols().fastmap_index)) continue;
    const bool is_active = CDR(cell) == R_NilValue;
    add(parts, CAR(cell), is_active ? StepKind::Binding : StepKind::Variable, TAG(cell));
  }
  UNPROTECT(1);
}

// The names in pieces of code, each once.
PointerSet names_in(std::vector<SEXP> code) {
  PointerSet names;
  while (!code.empty()) {
    const SEXP one = code.back();
    code.pop_back();
    if (TYPEOF(one) == SYMSXP && one != R_MissingArg) names.add(one);
    if (TYPEOF(one) != LANGSXP && TYPEOF(one) != LISTSXP) continue;
    for (SEXP cell = one; cell != R_NilValue; cell = CDR(cell)) code.push_back(CAR(cell));
  }
  return names;
}

// The variables that code names and has from around it: from environments that
// travel with it, or from the workspace as it will be. `done` are names that mean
// something else.
void add_used(MainThread& main, PointerSet names, SEXP env, PointerSet done, const PartRules& rules,
              Parts& parts, Kept& kept) {
  for (; !travels_by_name(main, env); env = parent_of(env)) {
    const bool is_fastmap = index_of_fastmap(env) != nullptr;
    for (SEXP name : names.items()) {
      const bool is_there = r_call(main, [&] { return R_existsVarInFrame(env, name); }) == TRUE;
      if (!is_there || !done.add(name)) continue;
      if (is_fastmap && name == symbols().fastmap_index) continue;
      add_binding(main, env, name, StepKind::Used, parts, kept);
    }
  }
  const bool is_in_namespace = r_call(main, [&] { return R_IsNamespaceEnv(env) == TRUE; });
  if (is_in_namespace || TYPEOF(rules.globals) != VECSXP) return;
  const SEXP labels = r_call(main, [&] { return Rf_getAttrib(rules.globals, R_NamesSymbol); });
  if (TYPEOF(labels) != STRSXP) return;
  for (R_xlen_t i = 0; i < XLENGTH(labels); ++i) {
    SEXP symbol = r_call(main, [&] { return Rf_installTrChar(STRING_ELT(labels, i)); });
    if (!names.contains(symbol) || !done.add(symbol)) continue;
    add(parts, VECTOR_ELT(rules.globals, i), StepKind::Global, symbol);
  }
}

void add_used_by(MainThread& main, SEXP function, const PartRules& rules, Parts& parts,
                 Kept& kept) {
  PointerSet formals;
  std::vector<SEXP> code{R_ClosureExpr(function)};
  for (SEXP cell = formals_of(function); cell != R_NilValue; cell = CDR(cell)) {
    formals.add(TAG(cell));
    code.push_back(CAR(cell));
  }
  add_used(main, names_in(std::move(code)), environment_of(function), std::move(formals), rules,
           parts, kept);
}

void add_function_parts(MainThread& main, SEXP function, const PartRules& rules, Parts& parts,
                        Kept& kept) {
  switch (rules.closures) {
    case Closures::Whole: add(parts, environment_of(function), StepKind::Surroundings); break;
    case Closures::Used: add_used_by(main, function, rules, parts, kept); break;
    case Closures::None: break;
  }
  for (SEXP cell = formals_of(function); cell != R_NilValue; cell = CDR(cell)) {
    add(parts, CAR(cell), StepKind::Formal, TAG(cell));
  }
  add(parts, R_ClosureExpr(function), StepKind::Body);
}

// A promise that was not forced travels as its code and its environment.
void add_promise_parts(MainThread& main, SEXP promise, const PartRules& rules, Parts& parts,
                       Kept& kept) {
  const PromiseParts own = r_call(main, [&] { return parts_of_promise(promise); });
  if (own.is_forced) return add(parts, own.value, StepKind::Forced);
  const auto [code, env] = own.delayed;
  add(parts, code, StepKind::Forced);
  if (TYPEOF(env) != ENVSXP) return;
  switch (rules.closures) {
    case Closures::Whole: return add(parts, env, StepKind::Awaited);
    case Closures::Used: return add_used(main, names_in({code}), env, {}, rules, parts, kept);
    case Closures::None: return;
  }
}

void add_attributes(SEXP value, const PartRules& rules, Parts& parts) {
  for_each_attribute(value, [&](SEXP tag, SEXP attribute) {
    if (tag == R_NamesSymbol || is_about_source(tag)) return;
    if (tag == symbols().environment && rules.closures != Closures::Whole) return;
    add(parts, attribute, StepKind::Attribute, tag);
  });
}

bool has_class(SEXP value, const char* wanted) {
  const SEXP classes = Rf_getAttrib(value, R_ClassSymbol);
  for (R_xlen_t i = 0; TYPEOF(classes) == STRSXP && i < XLENGTH(classes); ++i) {
    if (std::string_view(CHAR(STRING_ELT(classes, i))) == wanted) return true;
  }
  return false;
}

std::string text_of(MainThread& main, SEXP string) {
  return r_call(main, [&] {
    return Rf_getCharCE(string) == CE_BYTES ? CHAR(string) : Rf_translateCharUTF8(string);
  });
}

// The name of an element, if it tells this one from the others.
std::string label_of(MainThread& main, SEXP holder, R_xlen_t index) {
  if (TYPEOF(holder) == LANGSXP || TYPEOF(holder) == LISTSXP || TYPEOF(holder) == DOTSXP) {
    SEXP cell = holder;
    for (R_xlen_t i = 0; i < index; ++i) cell = CDR(cell);
    return TAG(cell) == R_NilValue ? "" : text_of(main, PRINTNAME(TAG(cell)));
  }
  const SEXP names = Rf_getAttrib(holder, R_NamesSymbol);
  if (TYPEOF(names) != STRSXP || index >= XLENGTH(names)) return "";
  const SEXP name = STRING_ELT(names, index);
  if (name == NA_STRING) return "";
  for (R_xlen_t i = 0; i < index; ++i) {
    if (STRING_ELT(names, i) == name) return "";
  }
  return text_of(main, name);
}

bool is_reserved(std::string_view name) {
  static constexpr std::string_view kWords[] = {
      "if",       "else", "repeat", "while",       "function",      "for",        "next",
      "break",    "TRUE", "NULL",   "FALSE",       "Inf",           "NaN",        "NA",
      "NA_real_", "in",   "...",    "NA_integer_", "NA_character_", "NA_complex_"};
  return std::find(std::begin(kWords), std::end(kWords), name) != std::end(kWords);
}

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0;
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || is_reserved(name)) return false;
  const bool starts_well =
      is_letter(name[0]) ||
      (name[0] == '.' &&
       (name.size() == 1 || std::isdigit(static_cast<unsigned char>(name[1])) == 0));
  return starts_well && std::all_of(name.begin(), name.end(), [](char c) {
           return is_letter(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.' ||
                  c == '_';
         });
}

// With what would end the quotes, or the line, escaped.
std::string quoted(const std::string& text, char quote) {
  std::string out(1, quote);
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(c));
      out += escaped;
      continue;
    }
    if (c == quote || c == '\\') out += '\\';
    out += c;
  }
  return out + quote;
}

}  // namespace

bool is_connection(SEXP value) { return Rf_isObject(value) && has_class(value, "connection"); }

std::string as_r_name(const std::string& name) {
  return is_plain_name(name) ? name : quoted(name, '`');
}

std::vector<Part> parts_of(MainThread& main, SEXP value, const PartRules& rules, Kept& kept) {
  Parts parts;
  switch (TYPEOF(value)) {
    case VECSXP:
    case EXPRSXP:
      for (R_xlen_t i = 0; i < XLENGTH(value); ++i) {
        add(parts, VECTOR_ELT(value, i), StepKind::Element, R_NilValue, i);
      }
      break;
    case LANGSXP:
    case LISTSXP:
    case DOTSXP: {
      R_xlen_t i = 0;
      for (SEXP cell = value; cell != R_NilValue; cell = CDR(cell), ++i) {
        add(parts, CAR(cell), StepKind::Element, R_NilValue, i);
      }
      break;
    }
    case ENVSXP:
      if (travels_by_name(main, value)) return parts;
      add_variables(main, value, parts, kept);
      if (rules.closures == Closures::Whole) add(parts, parent_of(value), StepKind::Parent);
      break;
    case CLOSXP: add_function_parts(main, value, rules, parts, kept); break;
    case PROMSXP: add_promise_parts(main, value, rules, parts, kept); break;
    case BCODESXP: add(parts, R_BytecodeExpr(value), StepKind::Forced); break;
    case EXTPTRSXP:
      // One that is dead, or ours; data.table's marks hold one to themselves.
      if (R_ExternalPtrAddr(value) == R_NilValue) return parts;
      add(parts, R_ExternalPtrProtected(value), StepKind::Protected);
      add(parts, R_ExternalPtrTag(value), StepKind::Protected);
      break;
    default: break;
  }
  add_attributes(value, rules, parts);
  return parts;
}

std::string with_step(MainThread& main, const std::string& path, SEXP holder, const Part& part) {
  const auto name = [&] { return text_of(main, PRINTNAME(part.symbol)); };
  const auto member = [&](const std::string& of) {
    return path.empty() ? as_r_name(of) : path + "$" + as_r_name(of);
  };
  switch (part.kind) {
    case StepKind::Root:
    case StepKind::Forced: return path;
    case StepKind::Element: {
      const std::string label = label_of(main, holder, part.index);
      if (!label.empty()) return member(label);
      return path + "[[" + std::to_string(part.index + 1) + "]]";
    }
    case StepKind::Variable: return member(name());
    case StepKind::Parent: return "parent.env(" + path + ")";
    case StepKind::Attribute:
      if (!Rf_isS4(holder)) return "attr(" + path + ", " + quoted(name(), '"') + ")";
      // `object$field` is how such an object is asked.
      if (part.symbol == symbols().data) return path;
      return path + "@" + as_r_name(name());
    case StepKind::Surroundings: return "environment(" + path + ")";
    case StepKind::Used:
      return (TYPEOF(holder) == PROMSXP ? "environment(promise " : "environment(") + path + ")$" +
             as_r_name(name());
    case StepKind::Global: return as_r_name(name());
    case StepKind::Body: return "body(" + path + ")";
    case StepKind::Formal: return "formals(" + path + ")$" + as_r_name(name());
    case StepKind::Binding:
      return "activeBindingFunction(" + quoted(name(), '"') + ", " + path + ")";
    case StepKind::Awaited: return "environment(promise " + path + ")";
    case StepKind::Protected: return "what " + path + " keeps alive";
  }
  return path;
}

}  // namespace elsewhere
