#include "bridge/globals/finder.h"

#include <algorithm>

#include "bridge/guard.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

constexpr R_xlen_t kSmallLengthMax = 64;

}  // namespace

void Finder::search(SEXP code) {
  const SharedSummary summary = summary_of_code(main_, code, Certainty::Certain);
  resolve(*summary, envir_, Level::Expression, -1);
}

void Finder::finish() {
  bool has_more = true;
  while (has_more) {
    follow();
    has_more = follows_ && add_methods();
    if (follows_ && add_named()) has_more = true;
  }
}

void Finder::resolve(const Summary& summary, SEXP env, Level level, int owner) {
  for (const SEXP name : summary.namespaces) note_namespace(name);
  for (const SEXP name : summary.generics) generics_.add(name);
  for (const SEXP text : summary.strings) strings_.add(text);
  for (const SEXP value : summary.constants) push(value, owner);
  may_dispatch_ |= summary.calls_closures;
  if (!summary.strings.empty()) {
    codes_.push_back({summary.strings, summary.texts, env, level, owner});
  }
  // What was looked at before means something else now.
  if ((summary.names_functions && !names_functions_) || (summary.names_values && !names_values_)) {
    names_functions_ |= summary.names_functions;
    names_values_ |= summary.names_values;
    codes_looked_at_ = values_looked_at_ = 0;
  }
  for (const NameUse& use : summary.uses) {
    bool is_found = false;
    if (use.as_function) {
      called_.add(use.symbol);
      is_found = resolve_name(use.symbol, Wanted::Function, use.is_certain, env, level, owner);
    }
    if (use.as_value) {
      is_found |= resolve_name(use.symbol, Wanted::Anything, use.is_certain, env, level, owner);
    }
    if (use.as_function && use.as_value) resolve_named(use.symbol, env, level, owner);
    if (!is_found && use.is_certain && level == Level::Expression) missing_.add(use.symbol);
  }
}

// fn <- "my"; do.call(fn, list(1)): a variable that stands where a function does,
// and holds one string, may name it.
void Finder::resolve_named(SEXP symbol, SEXP env, Level level, int owner) {
  if (symbol == R_DotsSymbol || ignored_.contains(symbol)) return;
  const Binding binding = find_binding(main_, symbol, env, Wanted::Anything, kept_);
  if (binding.frame == nullptr || place_of(main_, binding.frame, env) == Place::Base) return;
  const SEXP name = binding.value;
  if (name == nullptr || TYPEOF(name) != STRSXP || XLENGTH(name) != 1) return;
  if (STRING_ELT(name, 0) == NA_STRING || LENGTH(STRING_ELT(name, 0)) == 0) return;
  const SEXP named = r_call(main_, [&] { return Rf_installTrChar(STRING_ELT(name, 0)); });
  resolve_name(named, Wanted::Anything, false, env, level, owner);
}

// true if it was found, whether or not there is something to send.
bool Finder::resolve_name(SEXP symbol, Wanted wanted, bool is_certain, SEXP env, Level level,
                          int owner) {
  // The `...` of a function is in the frame that travels with it.
  if (symbol == R_DotsSymbol && level == Level::Function) return true;
  if (ignored_.contains(symbol)) return true;
  const Binding binding = find_binding(main_, symbol, env, wanted, kept_);
  const Place place = place_of(main_, binding.frame, env);
  const Reason reason =
      owner >= 0 ? Reason::Code : (is_certain ? Reason::Expression : Reason::Maybe);
  switch (place) {
    case Place::Nowhere: return false;
    case Place::Base: return true;
    case Place::Package: note_package(package_of(main_, binding.frame)); return true;
    case Place::Workspace:
    case Place::Attached:
      if (level == Level::Function && !follows_) return true;
      return add_global(symbol, binding, place, reason, is_certain, owner) >= 0;
    case Place::Local:
      if (level == Level::Function && !is_worth_listing(symbol, binding, wanted)) return true;
      return add_global(symbol, binding, place, reason, is_certain, owner) >= 0;
    case Place::Namespace: {
      if (level == Level::Function) return true;
      const SEXP package = package_of(main_, binding.frame);
      if (is_exported_by_attached(symbol, binding, package)) return true;
      note_namespace(package);
      return add_global(symbol, binding, place, reason, is_certain, owner) >= 0;
    }
  }
  return false;
}

// The frames around a function travel with it, so what it finds there need not
// be sent. The reference lists it among the globals all the same if it is in
// view of the expression, and so do we where that costs nothing: a large value
// travels once.
bool Finder::is_worth_listing(SEXP symbol, const Binding& binding, Wanted wanted) {
  const SEXP value = binding.value;
  if (value == nullptr) return false;
  const bool is_small =
      TYPEOF(value) == CLOSXP || (Rf_isVectorAtomic(value) && XLENGTH(value) <= kSmallLengthMax);
  return is_small && find_binding(main_, symbol, envir_, wanted, kept_).frame == binding.frame;
}

// Code of a package sees its namespace first; if the package is attached and
// exports the same value, attaching it there is enough.
bool Finder::is_exported_by_attached(SEXP symbol, const Binding& binding, SEXP package) {
  const SEXP env = r_call(main_, [&]() -> SEXP {
    for (SEXP env = parent_of(R_GlobalEnv); env != R_EmptyEnv; env = parent_of(env)) {
      if (!R_existsVarInFrame(env, symbol)) continue;
      const bool is_same = env == R_BaseEnv || is_same_in(env, binding.frame, symbol);
      return is_same ? env : nullptr;
    }
    return nullptr;
  });
  if (env == nullptr) return false;
  switch (place_of(main_, env, envir_)) {
    case Place::Base: return true;
    case Place::Package: note_package(package); return true;
    case Place::Nowhere:
    case Place::Local:
    case Place::Workspace:
    case Place::Attached:
    case Place::Namespace: return false;
  }
  return false;
}

int Finder::add_global(SEXP symbol, const Binding& binding, Place place, Reason reason,
                       bool is_certain, int owner) {
  const bool is_of_workspace = place == Place::Workspace || place == Place::Attached;
  auto& table = is_of_workspace ? workspace_ : local_;
  if (const int* there = table.find(symbol)) return *there;
  const SEXP value = value_of(main_, symbol, binding, is_certain, kept_);
  if (value == nullptr) return -1;
  const int at = static_cast<int>(globals_.size());
  *table.insert(symbol).first = at;
  globals_.push_back({symbol, value, place, reason, owner});
  may_dispatch_ = true;
  push(value, at);
  return at;
}

void Finder::add_names(SEXP names) {
  for (R_xlen_t i = 0; i < XLENGTH(names); ++i) {
    const SEXP symbol = r_call(main_, [&] { return Rf_installTrChar(STRING_ELT(names, i)); });
    const std::size_t before = globals_.size();
    const bool is_found =
        resolve_name(symbol, Wanted::Anything, true, envir_, Level::Expression, -1);
    if (!is_found) missing_.add(symbol);
    if (globals_.size() > before) globals_.back().reason = Reason::Given;
  }
}

void Finder::add_values(SEXP list) {
  const SEXP names = r_call(main_, [&] { return Rf_getAttrib(list, R_NamesSymbol); });
  for (R_xlen_t i = 0; i < XLENGTH(list); ++i) {
    const SEXP symbol = r_call(main_, [&] { return Rf_installTrChar(STRING_ELT(names, i)); });
    const int at = static_cast<int>(globals_.size());
    const SEXP value = VECTOR_ELT(list, i);
    *local_.insert(symbol).first = at;
    globals_.push_back({symbol, value, Place::Local, Reason::Given, -1});
    push(value, at);
  }
}

void Finder::ignore(SEXP names) {
  for (R_xlen_t i = 0; i < XLENGTH(names); ++i) {
    ignored_.add(r_call(main_, [&] { return Rf_installTrChar(STRING_ELT(names, i)); }));
  }
}

void Finder::note_package(SEXP name) {
  if (!is_base_package(name)) packages_.add(name);
}

void Finder::note_namespace(SEXP name) {
  if (!is_base_package(name)) namespaces_.add(name);
}

std::vector<int> Finder::visible() const {
  std::vector<int> out;
  const std::vector<int> hidden = shadowed();
  for (int i = 0; i < static_cast<int>(globals_.size()); ++i) {
    if (std::find(hidden.begin(), hidden.end(), i) == hidden.end()) out.push_back(i);
  }
  return out;
}

std::vector<int> Finder::shadowed() const {
  std::vector<int> out;
  if (local_.size() == 0 || workspace_.size() == 0) return out;
  auto& local = const_cast<PointerMap<int>&>(local_);
  int position = 0;
  for (const auto& global : globals_) {
    const int* there = local.find(global.symbol);
    if (there != nullptr && *there != position) out.push_back(position);
    ++position;
  }
  return out;
}

std::vector<SEXP> Finder::packages() {
  std::vector<SEXP> found = packages_.items();
  if (found.size() < 2) return found;
  std::vector<SEXP> attached;
  for (SEXP env = parent_of(R_GlobalEnv); env != R_EmptyEnv; env = parent_of(env)) {
    if (const SEXP name = package_of(main_, env)) attached.push_back(name);
  }
  const auto depth = [&](SEXP name) {
    return std::find(attached.begin(), attached.end(), name) - attached.begin();
  };
  std::sort(found.begin(), found.end(),
            [&](SEXP one, SEXP other) { return depth(one) > depth(other); });
  return found;
}

std::vector<SEXP> Finder::namespaces() {
  std::vector<SEXP> out;
  for (const SEXP name : namespaces_.items()) {
    if (!packages_.contains(name)) out.push_back(name);
  }
  return out;
}

}  // namespace elsewhere
