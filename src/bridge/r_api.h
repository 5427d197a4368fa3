// The one file that knows versions of R. Each function below is something that R
// offers under different names: entry points that a newer R has made part of its API,
// and what stood in their place before. docs/decisions/0050 says which check of R
// asks for which.
//
// R's main thread, and inside an r_call() where R can fail: looking at a binding
// cannot, value_in() can.
#pragma once

#include <Rinternals.h>

#include <Rversion.h>

#include <utility>
#include <vector>

// Entry points of R 4.5, and those of R 4.6.
#define ELSEWHERE_R_4_5 (R_VERSION >= R_Version(4, 5, 0))
#define ELSEWHERE_R_4_6 (R_VERSION >= R_Version(4, 6, 0))

namespace elsewhere {

// --- environments and functions -------------------------------------------------

inline SEXP parent_of(SEXP env) {
#if ELSEWHERE_R_4_5
  return R_ParentEnv(env);
#else
  return ENCLOS(env);
#endif
}

inline SEXP formals_of(SEXP closure) {
#if ELSEWHERE_R_4_5
  return R_ClosureFormals(closure);
#else
  return FORMALS(closure);
#endif
}

// As it is, compiled or not. R_ClosureExpr() gives the expression.
inline SEXP body_of(SEXP closure) {
#if ELSEWHERE_R_4_5
  return R_ClosureBody(closure);
#else
  return BODY(closure);
#endif
}

inline SEXP environment_of(SEXP closure) {
#if ELSEWHERE_R_4_5
  return R_ClosureEnv(closure);
#else
  return CLOENV(closure);
#endif
}

// Without attributes. Not protected.
inline SEXP new_closure(SEXP formals, SEXP body, SEXP env) {
#if ELSEWHERE_R_4_5
  return R_mkClosure(formals, body, env);
#else
  PROTECT(formals);
  PROTECT(body);
  PROTECT(env);
  SEXP out = Rf_allocSExp(CLOSXP);
  SET_FORMALS(out, formals);
  SET_BODY(out, body);
  SET_CLOENV(out, env);
  UNPROTECT(3);
  return out;
#endif
}

// --- attributes -----------------------------------------------------------------

inline bool has_attributes(SEXP value) {
#if ELSEWHERE_R_4_5
  return ANY_ATTRIB(value) != 0;
#else
  return ATTRIB(value) != R_NilValue;
#endif
}

// Calls `look(tag, value)` for each attribute as R keeps it, in order. `look` may throw.
template <class Look>
void for_each_attribute(SEXP holder, Look&& look) {
#if ELSEWHERE_R_4_6
  if (!has_attributes(holder)) return;
  // R's frames lie around these two functions, so they neither allocate nor throw.
  std::size_t count = 0;
  const auto note = [](SEXP, SEXP, void* counted) -> SEXP {
    ++*static_cast<std::size_t*>(counted);
    return nullptr;
  };
  R_mapAttrib(holder, note, &count);
  std::vector<std::pair<SEXP, SEXP>> all(count);
  auto* next = all.data();
  const auto take = [](SEXP tag, SEXP value, void* place) -> SEXP {
    *(*static_cast<std::pair<SEXP, SEXP>**>(place))++ = {tag, value};
    return nullptr;
  };
  R_mapAttrib(holder, take, &next);
  for (const auto& [tag, value] : all) look(tag, value);
#else
  for (SEXP cell = ATTRIB(holder); cell != R_NilValue; cell = CDR(cell)) look(TAG(cell), CAR(cell));
#endif
}

// --- bindings -------------------------------------------------------------------

// What a frame has under a name, without evaluating anything.
struct Slot {
  enum class Kind {
    Unbound,
    Value,    // also the value of a promise that was forced, R_MissingArg, `...`
    Delayed,  // a promise that was not
    Active,
  };
  Kind kind = Kind::Unbound;
  SEXP value = nullptr;  // of Kind::Value alone
};

// Code that waits to be evaluated, and where it will be.
struct Delayed {
  SEXP code;
  SEXP env;
};

#if !ELSEWHERE_R_4_6
// An unforced promise as the object that it is; what a forced one came to.
inline SEXP without_forced_promise(SEXP value) {
  const bool is_forced = TYPEOF(value) == PROMSXP && PRVALUE(value) != R_UnboundValue;
  return is_forced ? PRVALUE(value) : value;
}
#endif

inline Slot slot_in(SEXP env, SEXP symbol) {
#if ELSEWHERE_R_4_6
  switch (R_GetBindingType(symbol, env)) {
    case R_BindingTypeUnbound: return {};
    case R_BindingTypeMissing:
      // Of `...` without arguments as well, which is a value as any `...`.
      return {Slot::Kind::Value, R_MissingArg};
    case R_BindingTypeDelayed: return {Slot::Kind::Delayed, nullptr};
    case R_BindingTypeActive: return {Slot::Kind::Active, nullptr};
    case R_BindingTypeValue:
    case R_BindingTypeForced: break;
  }
  return {Slot::Kind::Value, R_getVarEx(symbol, env, FALSE, R_UnboundValue)};
#else
  if (!R_existsVarInFrame(env, symbol)) return {};
  if (R_BindingIsActive(symbol, env)) return {Slot::Kind::Active, nullptr};
  const SEXP value = without_forced_promise(Rf_findVarInFrame3(env, symbol, TRUE));
  if (value == R_UnboundValue) return {};
  if (TYPEOF(value) == PROMSXP) return {Slot::Kind::Delayed, nullptr};
  return {Slot::Kind::Value, value};
#endif
}

// Of a slot that is delayed.
inline Delayed delayed_in(SEXP env, SEXP symbol) {
#if ELSEWHERE_R_4_6
  return {R_DelayedBindingExpression(symbol, env), R_DelayedBindingEnvironment(symbol, env)};
#else
  const SEXP promise = Rf_findVarInFrame3(env, symbol, TRUE);
  return {R_PromiseExpr(promise), PRENV(promise)};
#endif
}

// The value of a binding: a promise is forced, an active binding computed, and a
// missing argument is R_MissingArg. R_UnboundValue where there is none.
inline SEXP value_in(SEXP env, SEXP symbol) {
  const Slot slot = slot_in(env, symbol);
  switch (slot.kind) {
    case Slot::Kind::Unbound: return R_UnboundValue;
    case Slot::Kind::Value: return slot.value;
    case Slot::Kind::Delayed:
    case Slot::Kind::Active: break;
  }
#if ELSEWHERE_R_4_5
  return R_getVarEx(symbol, env, FALSE, R_UnboundValue);
#else
  SEXP value = PROTECT(Rf_findVarInFrame3(env, symbol, TRUE));
  if (TYPEOF(value) == PROMSXP) value = Rf_eval(value, R_BaseEnv);
  UNPROTECT(1);
  return value;
#endif
}

// The same for an ordinary variable, one that no promise, active binding or missing
// argument can be: a field of an object of ours, an object of base R.
inline SEXP variable_in(SEXP env, SEXP symbol) {
#if ELSEWHERE_R_4_5
  return R_getVarEx(symbol, env, FALSE, R_UnboundValue);
#else
  return Rf_findVarInFrame3(env, symbol, TRUE);
#endif
}

// Whether two frames have one and the same value, or promise, under a name that both
// have.
inline bool is_same_in(SEXP one, SEXP other, SEXP symbol) {
#if ELSEWHERE_R_4_6
  const Slot here = slot_in(one, symbol), there = slot_in(other, symbol);
  if (here.kind != there.kind || here.kind == Slot::Kind::Active) return false;
  if (here.kind != Slot::Kind::Delayed) return here.value == there.value;
  const Delayed first = delayed_in(one, symbol), second = delayed_in(other, symbol);
  return first.code == second.code && first.env == second.env;
#else
  return Rf_findVarInFrame3(one, symbol, TRUE) == Rf_findVarInFrame3(other, symbol, TRUE);
#endif
}

// Whether R knows, without a search, that nothing on the search path hides what base
// has under this name. A "no" means nothing.
inline bool is_known_to_mean_base([[maybe_unused]] SEXP symbol) {
#if ELSEWHERE_R_4_6
  return false;
#else
  const SEXP base = Rf_findVarInFrame3(R_BaseEnv, symbol, TRUE);
  return base != R_UnboundValue && Rf_findVar(symbol, R_GlobalEnv) == base;
#endif
}

// A function of base that R calls with the values of its arguments.
inline bool is_base_builtin(SEXP symbol) {
#if ELSEWHERE_R_4_6
  const Slot slot = slot_in(R_BaseEnv, symbol);
  return slot.kind == Slot::Kind::Value && TYPEOF(slot.value) == BUILTINSXP;
#else
  return TYPEOF(Rf_findVarInFrame3(R_BaseEnv, symbol, TRUE)) == BUILTINSXP;
#endif
}

// --- promises as objects --------------------------------------------------------

// Arguments in `...`, and what code has put into a call. They are looked at like a
// binding, which is how R lets one look at a promise from 4.6 on.
struct PromiseParts {
  bool is_forced;
  SEXP value;  // when it is
  Delayed delayed;
};

inline PromiseParts parts_of_promise(SEXP promise) {
#if ELSEWHERE_R_4_6
  static const SEXP name = Rf_install("promise");
  static const SEXP frame = [] {
    SEXP made = R_NewEnv(R_EmptyEnv, FALSE, 1);
    R_PreserveObject(made);
    return made;
  }();
  Rf_defineVar(name, promise, frame);
  const Slot slot = slot_in(frame, name);
  PromiseParts parts{slot.kind == Slot::Kind::Value, slot.value, {R_NilValue, R_NilValue}};
  if (!parts.is_forced) parts.delayed = delayed_in(frame, name);
  Rf_defineVar(name, R_NilValue, frame);
  return parts;
#else
  const SEXP value = PRVALUE(promise);
  if (value != R_UnboundValue) return {true, value, {R_NilValue, R_NilValue}};
  return {false, R_UnboundValue, {R_PromiseExpr(promise), PRENV(promise)}};
#endif
}

// A promise of `code` in `env`, as R makes one for an argument. Not protected.
inline SEXP new_promise(SEXP code, SEXP env) {
  static const SEXP taker = [] {
    // function(...) environment()
    SEXP formals = PROTECT(Rf_cons(R_MissingArg, R_NilValue));
    SET_TAG(formals, R_DotsSymbol);
    SEXP body = PROTECT(Rf_lang1(Rf_install("environment")));
    SEXP made = new_closure(formals, body, R_BaseEnv);
    R_PreserveObject(made);
    UNPROTECT(2);
    return made;
  }();
  SEXP call = PROTECT(Rf_lang2(taker, code));
  SEXP frame = PROTECT(Rf_eval(call, env));
  const SEXP promise = CAR(variable_in(frame, R_DotsSymbol));
  UNPROTECT(2);
  return promise;
}

// The promise of a delayed slot: on R 4.6, which does not give it out, one of the same
// code. To force the slot's own, use value_in().
inline SEXP promise_in(SEXP env, SEXP symbol) {
#if ELSEWHERE_R_4_6
  const Delayed delayed = delayed_in(env, symbol);
  return new_promise(delayed.code, delayed.env);
#else
  return Rf_findVarInFrame3(env, symbol, TRUE);
#endif
}

// --- namespaces -----------------------------------------------------------------

// A namespace that is loaded, or R_UnboundValue. `name` as a symbol.
inline SEXP loaded_namespace(SEXP name) {
#if ELSEWHERE_R_4_6
  const SEXP found = R_getRegisteredNamespace(CHAR(PRINTNAME(name)));
  return found == R_NilValue ? R_UnboundValue : found;
#else
  return Rf_findVarInFrame3(R_NamespaceRegistry, name, TRUE);
#endif
}

inline R_xlen_t loaded_namespaces() {
#if ELSEWHERE_R_4_6
  static const SEXP call = [] {
    SEXP made = Rf_lang1(Rf_install("loadedNamespaces"));
    R_PreserveObject(made);
    return made;
  }();
  return Rf_xlength(Rf_eval(call, R_BaseEnv));
#else
  return Rf_xlength(R_NamespaceRegistry);
#endif
}

}  // namespace elsewhere
