#include "bridge/globals/frames.h"

#include <cstring>

#include "bridge/guard.h"

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

// A missing argument, also one passed on: f(b) where b is itself missing.
bool is_missing_argument(SEXP value) {
  for (int steps = 0; steps < 1000; ++steps) {
    if (value == R_MissingArg) return true;
    if (TYPEOF(value) != PROMSXP || PRVALUE(value) != R_UnboundValue) return false;
    const SEXP code = R_PromiseExpr(value), env = PRENV(value);
    if (TYPEOF(code) != SYMSXP || TYPEOF(env) != ENVSXP || env == R_GlobalEnv) return false;
    if (code == R_MissingArg) return true;
    if (!R_existsVarInFrame(env, code) || R_BindingIsActive(code, env)) return false;
    value = Rf_findVarInFrame3(env, code, TRUE);
  }
  return false;
}

SEXP forced(SEXP value) {
  if (TYPEOF(value) != PROMSXP) return value;
  if (PRVALUE(value) != R_UnboundValue) return PRVALUE(value);
  return is_missing_argument(value) ? R_MissingArg : Rf_eval(value, R_BaseEnv);
}

SEXP dots_as_list(SEXP dots) {
  if (TYPEOF(dots) != DOTSXP) return Rf_allocVector(VECSXP, 0);
  const R_xlen_t count = Rf_length(dots);
  SEXP out = PROTECT(Rf_allocVector(VECSXP, count));
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  bool is_named = false;
  R_xlen_t i = 0;
  for (SEXP rest = dots; rest != R_NilValue; rest = CDR(rest), ++i) {
    SET_VECTOR_ELT(out, i, forced(CAR(rest)));
    if (TAG(rest) == R_NilValue) continue;
    is_named = true;
    SET_STRING_ELT(names, i, PRINTNAME(TAG(rest)));
  }
  if (is_named) Rf_setAttrib(out, R_NamesSymbol, names);
  UNPROTECT(2);
  return out;
}

SEXP exported_value(SEXP symbol, const Binding& binding) {
  SEXP value = binding.value;
  if (value == nullptr) value = Rf_findVarInFrame3(binding.frame, symbol, TRUE);
  if (symbol == R_DotsSymbol) return dots_as_list(value);
  return forced(value);
}

bool is_base_frame(SEXP env) { return env == R_BaseEnv || env == R_BaseNamespace; }

// The binding in one frame, or none.
Binding binding_in(SEXP symbol, SEXP env, Wanted wanted, Kept& kept) {
  if (is_base_frame(env)) {
    const SEXP value = SYMVALUE(symbol);
    return value == R_UnboundValue ? Binding{} : Binding{env, value};
  }
  if (!R_existsVarInFrame(env, symbol)) return {};
  if (R_BindingIsActive(symbol, env)) {
    if (wanted == Wanted::Anything) return {env, nullptr};
    const SEXP value = kept.add(Rf_findVarInFrame3(env, symbol, TRUE));
    return holds_function(value) ? Binding{env, value} : Binding{};
  }
  const SEXP value = Rf_findVarInFrame3(env, symbol, TRUE);
  if (value == R_UnboundValue) return {};
  if (wanted == Wanted::Function) {
    SEXP function = value;
    if (TYPEOF(value) == PROMSXP) {
      // What a package keeps for later is a promise too; that it is there is
      // enough to know.
      if (R_IsPackageEnv(env) || R_IsNamespaceEnv(env)) return {env, value};
      function = forced(value);
    }
    if (!holds_function(function)) return {};
  }
  return {env, kept.add(value)};
}

Binding search(SEXP symbol, SEXP env, Wanted wanted, Kept& kept) {
  for (; TYPEOF(env) == ENVSXP && env != R_EmptyEnv; env = ENCLOS(env)) {
    const Binding found = binding_in(symbol, env, wanted, kept);
    if (found.is_found()) return found;
    // Most names in code are base functions. R's cache of the search path
    // answers at once that nothing hides them.
    if (env == R_GlobalEnv && SYMVALUE(symbol) != R_UnboundValue &&
        Rf_findVar(symbol, R_GlobalEnv) == SYMVALUE(symbol)) {
      return {R_BaseEnv, SYMVALUE(symbol)};
    }
  }
  return {};
}

const char* environment_name(SEXP env) {
  static const SEXP name_symbol = Rf_install("name");
  for (SEXP rest = ATTRIB(env); rest != R_NilValue; rest = CDR(rest)) {
    if (TAG(rest) == name_symbol && TYPEOF(CAR(rest)) == STRSXP && XLENGTH(CAR(rest)) > 0) {
      return CHAR(STRING_ELT(CAR(rest), 0));
    }
  }
  return "";
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
    for (SEXP env = start; env != R_EmptyEnv && env != frame; env = ENCLOS(env)) {
      if (env == R_GlobalEnv) return Place::Attached;
    }
    return Place::Local;
  });
}

SEXP value_of(MainThread& main, SEXP symbol, const Binding& binding, bool is_certain, Kept& kept) {
  if (is_certain) {
    return r_call(main, [&] { return kept.add(exported_value(symbol, binding)); });
  }
  const bool is_settled =
      binding.value != nullptr && TYPEOF(binding.value) != DOTSXP &&
      (TYPEOF(binding.value) != PROMSXP || PRVALUE(binding.value) != R_UnboundValue);
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

SEXP frame_values(SEXP env, Unforced unforced) {
  SEXP names = PROTECT(R_lsInternal3(env, TRUE, FALSE));
  SEXP values = PROTECT(Rf_allocVector(VECSXP, XLENGTH(names)));
  for (R_xlen_t i = 0; i < XLENGTH(names); ++i) {
    SEXP symbol = Rf_installTrChar(STRING_ELT(names, i));
    SEXP value = R_BindingIsActive(symbol, env) ? R_ActiveBindingFunction(symbol, env)
                                                : Rf_findVarInFrame3(env, symbol, TRUE);
    if (unforced == Unforced::AsNull && TYPEOF(value) == PROMSXP) value = PRVALUE(value);
    const bool is_for_r = unforced == Unforced::AsPromise || TYPEOF(value) != DOTSXP;
    SET_VECTOR_ELT(values, i, value == R_UnboundValue || !is_for_r ? R_NilValue : value);
  }
  if (unforced == Unforced::AsNull) Rf_setAttrib(values, R_NamesSymbol, names);
  UNPROTECT(2);
  return values;
}

SEXP namespace_on_chain(MainThread& main, SEXP env) {
  return r_call(main, [&]() -> SEXP {
    for (; TYPEOF(env) == ENVSXP; env = ENCLOS(env)) {
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
