// Methods and classes that the workspace defines: nothing in the code names
// them, dispatch does.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "bridge/globals/finder.h"
#include "bridge/guard.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

constexpr std::string_view kClassPrefix = ".__C__", kTablePrefix = ".__T__";

std::string_view text_of(SEXP chars) {
  return {CHAR(chars), static_cast<std::size_t>(LENGTH(chars))};
}

bool has_text(const PointerSet& set, std::string_view text) {
  return std::any_of(set.items().begin(), set.items().end(),
                     [&](SEXP chars) { return text_of(chars) == text; });
}

// The package that registered an S3 method for a class of this name, by the
// generics that nearly every class has methods for. Null if none did.
SEXP registering_package(const char* class_name) {
  static const SEXP table_symbol = Rf_install(".__S3MethodsTable__.");
  // Base itself is loaded lazily: its table is a promise.
  const SEXP table = Rf_eval(table_symbol, R_BaseEnv);
  if (TYPEOF(table) != ENVSXP) return nullptr;
  static constexpr const char* kGenerics[] = {"print",   "format", "[",
                                              "summary", "$",      "as.data.frame"};
  for (const char* generic : kGenerics) {
    char name[256];
    if (std::snprintf(name, sizeof name, "%s.%s", generic, class_name) >= 256) return nullptr;
    const SEXP symbol = Rf_install(name);
    SEXP method = value_in(R_BaseEnv, symbol);
    if (method == R_UnboundValue) method = value_in(table, symbol);
    if (TYPEOF(method) != CLOSXP) continue;
    for (SEXP env = environment_of(method); TYPEOF(env) == ENVSXP && env != R_EmptyEnv;
         env = parent_of(env)) {
      if (env == R_BaseNamespace) return Rf_mkChar("base");
      if (env == R_GlobalEnv) return nullptr;
      if (R_IsNamespaceEnv(env)) return STRING_ELT(R_NamespaceEnvSpec(env), 0);
    }
  }
  return nullptr;
}

}  // namespace

void Finder::note_class(SEXP name) {
  if (!classes_.add(name)) return;
  // What was found once stays right: a namespace keeps its methods.
  static PointerMap<SEXP> answers;
  SEXP package = nullptr;
  if (const SEXP* known = answers.find(name)) {
    package = *known;
  } else {
    package = r_call(main_, [&]() -> SEXP {
      SEXP found = registering_package(CHAR(name));
      if (found != nullptr) {
        R_PreserveObject(found);
        R_PreserveObject(name);
      }
      return found;
    });
    if (package != nullptr) *answers.insert(name).first = package;
  }
  if (package != nullptr) note_namespace(package);
}

// S4 says itself which package a class is from.
void Finder::note_class_package(SEXP class_attribute) {
  for_each_attribute(class_attribute, [&](SEXP, SEXP value) {
    if (TYPEOF(value) != STRSXP || XLENGTH(value) != 1) return;
    const SEXP package = STRING_ELT(value, 0);
    if (text_of(package) != ".GlobalEnv") note_namespace(package);
  });
}

// Everything with a dot in its name that lies between the code and the search
// path. Whether it is a function is looked at when the name fits.
void Finder::list_workspace() {
  is_workspace_listed_ = true;
  for (SEXP env = envir_; TYPEOF(env) == ENVSXP && env != R_EmptyEnv; env = parent_of(env)) {
    if (env != R_GlobalEnv && is_reference_environment(main_, env)) continue;
    const SEXP names = r_call(main_, [&] { return kept_.add(R_lsInternal3(env, TRUE, FALSE)); });
    for (R_xlen_t i = 0; i < XLENGTH(names); ++i) {
      const SEXP name = STRING_ELT(names, i);
      if (std::strchr(CHAR(name), '.') == nullptr) continue;
      dotted_.push_back({r_call(main_, [&] { return Rf_installTrChar(name); }), env, false});
    }
    if (env == R_GlobalEnv) break;
  }
}

// Adds the methods and classes that what is known so far asks for. true if
// there were any: they ask for more.
bool Finder::add_methods() {
  if (!may_dispatch_) return false;
  if (!is_workspace_listed_) list_workspace();
  bool is_any = false;
  for (std::size_t i = 0; i < dotted_.size(); ++i) {
    if (dotted_[i].is_done) continue;
    const std::string_view name = text_of(PRINTNAME(dotted_[i].symbol));
    const bool is_class_part = name.starts_with(kClassPrefix) || name.starts_with(kTablePrefix);
    is_any |= is_class_part ? add_class_part(dotted_[i]) : add_method(dotted_[i]);
  }
  return is_any;
}

// A function that the code calls and that dispatches.
bool Finder::is_used_generic(SEXP symbol) {
  if (generics_.contains(PRINTNAME(symbol))) return true;
  if (!called_.contains(symbol)) return false;
  if (const bool* known = generic_answers_.find(symbol)) return *known;
  const Binding binding = find_binding(main_, symbol, envir_, Wanted::Function, kept_);
  const SEXP function = function_of(main_, symbol, binding, kept_);
  bool is_generic = false;
  if (function != nullptr) {
    is_generic = TYPEOF(function) != CLOSXP || Rf_isS4(function) ||
                 !summary_of_function(main_, function)->generics.empty();
  }
  *generic_answers_.insert(symbol).first = is_generic;
  return is_generic;
}

// generic.class, where either part may hold dots itself.
bool Finder::add_method(Dotted& entry) {
  const std::string_view name = text_of(PRINTNAME(entry.symbol));
  for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const std::string_view class_name = name.substr(dot + 1);
    if (dot == 0 || class_name.empty()) continue;
    const std::string generic_name(name.substr(0, dot));
    const SEXP generic = r_call(main_, [&] { return Rf_install(generic_name.c_str()); });
    bool is_wanted = is_used_generic(generic);
    if (!is_wanted && (has_text(classes_, class_name) || has_text(strings_, class_name))) {
      is_wanted = find_binding(main_, generic, envir_, Wanted::Function, kept_).is_found();
    }
    if (!is_wanted) continue;
    const Binding method = find_binding(main_, entry.symbol, entry.frame, Wanted::Function, kept_);
    entry.is_done = true;
    if (method.frame != entry.frame || ignored_.contains(entry.symbol)) return false;
    const std::size_t before = globals_.size();
    add_global(entry.symbol, method, place_of(main_, method.frame, envir_), Reason::Method, true,
               -1);
    return globals_.size() > before;
  }
  return false;
}

// S4 keeps the class Track as `.__C__Track` and the methods of a generic as
// `.__T__show:methods`.
bool Finder::add_class_part(Dotted& entry) {
  const std::string_view name = text_of(PRINTNAME(entry.symbol));
  const bool is_class = name.starts_with(kClassPrefix);
  std::string_view rest = name.substr(kClassPrefix.size());
  SEXP generic = nullptr;
  if (is_class) {
    if (!has_text(classes_, rest) && !has_text(strings_, rest)) return false;
  } else {
    const auto colon = rest.rfind(':');
    const std::string generic_name(rest.substr(0, colon));
    generic = r_call(main_, [&] { return Rf_install(generic_name.c_str()); });
    if (!has_class_parts_ && !called_.contains(generic)) return false;
  }
  entry.is_done = true;
  const Binding part = find_binding(main_, entry.symbol, entry.frame, Wanted::Anything, kept_);
  const int at =
      add_global(entry.symbol, part, place_of(main_, part.frame, envir_), Reason::Class, true, -1);
  if (at < 0) return false;
  if (is_class) {
    has_class_parts_ = true;
    note_class_definition(globals_[static_cast<std::size_t>(at)].value);
  } else {
    resolve_name(generic, Wanted::Function, false, envir_, Level::Expression, at);
  }
  return true;
}

// The classes that a class is made of.
void Finder::note_class_definition(SEXP definition) {
  for_each_attribute(definition, [&](SEXP symbol, SEXP list) {
    const char* tag = CHAR(PRINTNAME(symbol));
    const bool is_about_classes = std::strcmp(tag, "contains") == 0 ||
                                  std::strcmp(tag, "slots") == 0 ||
                                  std::strcmp(tag, "subclasses") == 0;
    if (!is_about_classes || TYPEOF(list) != VECSXP) return;
    for (R_xlen_t i = 0; i < XLENGTH(list); ++i) {
      if (TYPEOF(VECTOR_ELT(list, i)) == STRSXP && XLENGTH(VECTOR_ELT(list, i)) == 1) {
        strings_.add(STRING_ELT(VECTOR_ELT(list, i), 0));
      }
    }
    const SEXP names = r_call(main_, [&] { return Rf_getAttrib(list, R_NamesSymbol); });
    for (R_xlen_t i = 0; TYPEOF(names) == STRSXP && i < XLENGTH(names); ++i) {
      strings_.add(STRING_ELT(names, i));
    }
  });
}

}  // namespace elsewhere
