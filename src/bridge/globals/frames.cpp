#include "bridge/globals/frames.h"

#include <cstring>

#include "bridge/guard.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

constexpr const char* kBasePackages[] = {"base",      "methods",  "datasets", "utils",
                                         "grDevices", "graphics", "stats"};

// Everything in this block is called inside an r_call().

bool holds_function(SEXP value) {
  switch (TYPEOF(value)) {
    case CLOSXP:
    case BUILTINSXP:
    case SPECIALSXP: return true;
    default: return false;
  }
}

// Whether code that waits is a missing argument passed on: f(b) where b is missing.
bool is_missing_argument(Delayed delayed) {
  for (int steps = 0; steps < 1000; ++steps) {
    const auto [code, env] = delayed;
    if (code == R_MissingArg) return true;
    if (TYPEOF(code) != SYMSXP || TYPEOF(env) != ENVSXP || env == R_GlobalEnv) return false;
    const Slot slot = slot_in(env, code);
    if (slot.value == R_MissingArg) return true;
    if (slot.kind != Slot::Kind::Delayed) return false;
    delayed = delayed_in(env, code);
  }
  return false;
}

SEXP forced_argument(SEXP argument) {
  if (TYPEOF(argument) != PROMSXP) return argument;
  const PromiseParts parts = parts_of_promise(argument);
  if (parts.is_forced) return parts.value;
  return is_missing_argument(parts.delayed) ? R_MissingArg : Rf_eval(argument, R_BaseEnv);
}

SEXP dots_as_list(SEXP dots) {
  if (TYPEOF(dots) != DOTSXP) return Rf_allocVector(VECSXP, 0);
  const R_xlen_t count = Rf_length(dots);
  SEXP out = PROTECT(Rf_allocVector(VECSXP, count));
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  bool is_named = false;
  R_xlen_t i = 0;
  for (SEXP rest = dots; rest != R_NilValue; rest = CDR(rest), ++i) {
    SET_VECTOR_ELT(out, i, forced_argument(CAR(rest)));
    if (TAG(rest) == R_NilValue) continue;
    is_named = true;
    SET_STRING_ELT(names, i, PRINTNAME(TAG(rest)));
  }
  if (is_named) Rf_setAttrib(out, R_NamesSymbol, names);
  UNPROTECT(2);
  return out;
}

SEXP exported_value(SEXP symbol, const Binding& binding) {
  if (symbol == R_DotsSymbol) return dots_as_list(binding.value);
  if (binding.value != nullptr) return binding.value;
  const bool is_missing =
      binding.is_delayed && is_missing_argument(delayed_in(binding.frame, symbol));
  return is_missing ? R_MissingArg : value_in(binding.frame, symbol);
}

bool is_base_frame(SEXP env) { return env == R_BaseEnv || env == R_BaseNamespace; }

// Whether what is under this name is a function, which may take computing it.
bool is_function_in(SEXP env, SEXP symbol, const Slot& slot) {
  if (slot.kind == Slot::Kind::Value) return holds_function(slot.value);
  // What a package keeps for later is a promise too; that it is there is enough to
  // know.
  const bool is_of_package = R_IsPackageEnv(env) || R_IsNamespaceEnv(env);
  if (slot.kind == Slot::Kind::Delayed && is_of_package) return true;
  if (slot.kind == Slot::Kind::Delayed && is_missing_argument(delayed_in(env, symbol))) {
    return false;
  }
  return holds_function(value_in(env, symbol));
}

// The binding in one frame, or none.
Binding binding_in(SEXP symbol, SEXP env, Wanted wanted, Kept& kept) {
  Slot slot = slot_in(env, symbol);
  if (slot.kind == Slot::Kind::Unbound) return {};
  if (wanted == Wanted::Function && !is_base_frame(env)) {
    if (!is_function_in(env, symbol, slot)) return {};
    // What was computed for it.
    if (slot.kind != Slot::Kind::Value) {
      const bool is_active = slot.kind == Slot::Kind::Active;
      slot = is_active ? Slot{Slot::Kind::Value, value_in(env, symbol)} : slot_in(env, symbol);
    }
  }
  const bool is_delayed = slot.kind == Slot::Kind::Delayed;
  return {env, slot.value == nullptr ? nullptr : kept.add(slot.value), is_delayed};
}

Binding search(SEXP symbol, SEXP env, Wanted wanted, Kept& kept) {
  for (; TYPEOF(env) == ENVSXP && env != R_EmptyEnv; env = parent_of(env)) {
    const Binding found = binding_in(symbol, env, wanted, kept);
    if (found.is_found()) return found;
    // Most names in code are base functions.
    if (env == R_GlobalEnv && is_known_to_mean_base(symbol)) {
      return binding_in(symbol, R_BaseEnv, wanted, kept);
    }
  }
  return {};
}

const char* environment_name(SEXP env) {
  static const SEXP name_symbol = Rf_install("name");
  const SEXP name = has_attributes(env) ? Rf_getAttrib(env, name_symbol) : R_NilValue;
  return TYPEOF(name) == STRSXP && XLENGTH(name) > 0 ? CHAR(STRING_ELT(name, 0)) : "";
}

bool is_imports(SEXP env) { return std::strncmp(environment_name(env), "imports:", 8) == 0; }

}  // namespace

Binding find_binding(MainThread& main, SEXP symbol, SEXP env, Wanted wanted, Kept& kept) {
  return r_call(main, [&] { return search(symbol, env, wanted, kept); });
}

bool is_base_package(SEXP name) {
  for (const char* base : kBasePackages) {
    if (std::strcmp(CHAR(name), base) == 0) return true;
  }
  return false;
}

SEXP package_of(MainThread& main, SEXP frame) {
  return r_call(main, [&]() -> SEXP {
    if (is_base_frame(frame)) return Rf_mkChar("base");
    if (R_IsNamespaceEnv(frame)) return STRING_ELT(R_NamespaceEnvSpec(frame), 0);
    const char* name = environment_name(frame);
    if (std::strncmp(name, "package:", 8) == 0) return Rf_mkChar(name + 8);
    if (std::strncmp(name, "imports:", 8) == 0) return Rf_mkChar(name + 8);
    return nullptr;
  });
}

Place place_of(MainThread& main, SEXP frame, SEXP start) {
  if (frame == nullptr) return Place::Nowhere;
  if (frame == R_GlobalEnv) return Place::Workspace;
  if (is_base_frame(frame)) return Place::Base;
  return r_call(main, [&] {
    if (R_IsPackageEnv(frame)) {
      const char* name = environment_name(frame) + 8;
      for (const char* base : kBasePackages) {
        if (std::strcmp(name, base) == 0) return Place::Base;
      }
      return Place::Package;
    }
    if (R_IsNamespaceEnv(frame) || is_imports(frame)) return Place::Namespace;
    for (SEXP env = start; env != R_EmptyEnv && env != frame; env = parent_of(env)) {
      if (env == R_GlobalEnv) return Place::Attached;
    }
    return Place::Local;
  });
}

SEXP value_of(MainThread& main, SEXP symbol, const Binding& binding, bool is_certain, Kept& kept) {
  if (is_certain) {
    return r_call(main, [&] { return kept.add(exported_value(symbol, binding)); });
  }
  const bool is_settled = binding.value != nullptr && TYPEOF(binding.value) != DOTSXP;
  if (is_settled) {
    return r_call(main, [&] { return kept.add(exported_value(symbol, binding)); });
  }
  // Silently, as the code may never have asked for it.
  struct Attempt {
    SEXP symbol;
    const Binding* binding;
    SEXP value;
  } attempt{symbol, &binding, nullptr};
  r_call(main, [&] {
    const auto run = [](void* data) -> SEXP {
      auto* the = static_cast<Attempt*>(data);
      the->value = exported_value(the->symbol, *the->binding);
      return the->value;
    };
    const auto give_up = [](SEXP, void* data) -> SEXP {
      static_cast<Attempt*>(data)->value = nullptr;
      return R_NilValue;
    };
    kept.add(R_tryCatchError(run, &attempt, give_up, &attempt));
  });
  return attempt.value;
}

SEXP function_of(MainThread& main, SEXP symbol, const Binding& binding, Kept& kept) {
  if (!binding.is_delayed) return binding.value;
  return r_call(main, [&] { return kept.add(value_in(binding.frame, symbol)); });
}

SEXP frame_values(SEXP env) {
  SEXP names = PROTECT(R_lsInternal3(env, TRUE, FALSE));
  SEXP values = PROTECT(Rf_allocVector(VECSXP, XLENGTH(names)));
  for (R_xlen_t i = 0; i < XLENGTH(names); ++i) {
    SEXP symbol = Rf_installTrChar(STRING_ELT(names, i));
    const Slot slot = slot_in(env, symbol);
    SEXP value = slot.value;
    if (slot.kind == Slot::Kind::Active) value = R_ActiveBindingFunction(symbol, env);
    if (value != nullptr && TYPEOF(value) != DOTSXP) SET_VECTOR_ELT(values, i, value);
  }
  Rf_setAttrib(values, R_NamesSymbol, names);
  UNPROTECT(2);
  return values;
}

SEXP namespace_on_chain(MainThread& main, SEXP env) {
  return r_call(main, [&]() -> SEXP {
    for (; TYPEOF(env) == ENVSXP; env = parent_of(env)) {
      if (env == R_GlobalEnv || env == R_EmptyEnv || env == R_BaseEnv) return nullptr;
      if (env == R_BaseNamespace || R_IsNamespaceEnv(env)) return env;
    }
    return nullptr;
  });
}

bool is_reference_environment(MainThread& main, SEXP env) {
  if (env == R_GlobalEnv || env == R_EmptyEnv || is_base_frame(env)) return true;
  return r_call(main, [&] { return R_IsNamespaceEnv(env) || R_IsPackageEnv(env); });
}

}  // namespace elsewhere
