// Looking names up as R would, without evaluating more than R would: an active
// binding is computed and a promise forced only when its value is wanted, that
// is for a global that is exported, or for a call whose function it may be.
// R's main thread.
#pragma once

#include <Rinternals.h>

#include "bridge/kept.h"
#include "bridge/main_thread.h"

namespace elsewhere {

enum class Place {
  Nowhere,
  Local,      // a frame between the code and the workspace
  Workspace,  // the global environment
  Attached,   // on the search path, but no package: attach(list), tools:x
  Package,    // on the search path
  Namespace,  // of a package, or what it imports
  Base,       // base, or a package that every session attaches
};

enum class Wanted { Anything, Function };

struct Binding {
  SEXP frame = nullptr;
  SEXP value = nullptr;     // null for a promise not forced, and an active binding not computed
  bool is_delayed = false;  // the former
  bool is_found() const { return frame != nullptr; }
};

// The first binding from `env` on; with Wanted::Function, the first that holds
// a function.
Binding find_binding(MainThread& main, SEXP symbol, SEXP env, Wanted wanted, Kept& kept);

Place place_of(MainThread& main, SEXP frame, SEXP start);
// "survival" of package:survival, namespace:survival and imports:survival, as
// CHARSXP; null for other environments.
SEXP package_of(MainThread& main, SEXP frame);
// Attached in every R session without anybody asking for it.
bool is_base_package(SEXP name);

// What a binding is worth on the other side: promises forced, active bindings
// computed, `...` as a list, R_MissingArg for an argument that is missing. An
// error of the user's code goes on when the name is certain; otherwise the
// binding counts as not found (null).
SEXP value_of(MainThread& main, SEXP symbol, const Binding& binding, bool is_certain, Kept& kept);

// What a binding found with Wanted::Function has: what a package keeps for later is
// loaded now. Null for one that was not found.
SEXP function_of(MainThread& main, SEXP symbol, const Binding& binding, Kept& kept);

// The values of a frame by name, without computing any: NULL for a promise that was
// not forced, and for `...`. Active bindings give their function. Inside an r_call()
// only; not protected.
SEXP frame_values(SEXP env);

// Where a chain of environments leads: to the workspace or beyond, or into a
// namespace (then that environment).
SEXP namespace_on_chain(MainThread& main, SEXP env);
// An environment that travels by its name, not by its content.
bool is_reference_environment(MainThread& main, SEXP env);

}  // namespace elsewhere
