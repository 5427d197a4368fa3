// What a task must leave as it found it, taken and compared in one call each:
// options, environment variables, the working directory, the random state, the
// graphics devices, the connections, what is attached first, and the locale.
// Restoring is rare and is done in R.
#pragma once

#include <Rinternals.h>

#include "bridge/main_thread.h"

namespace elsewhere {

// What has changed, as bits of a number that R gets.
enum class StateChange : int {
  Options = 1,
  Variables = 2,
  Directory = 4,
  Seed = 8,
  Devices = 16,
  Connections = 32,
  Search = 64,
  Locale = 128,
};

// A list: options, variables (raw: NAME=value, each ended by a zero byte),
// directory, seed (NULL if there is none), devices, connections (their numbers),
// search (what is attached first), locale, namespaces (how many are loaded).
// Options and devices are for list_from_state(). Not protected.
SEXP process_state(MainThread& main);
// The bits of what is not the same any more, compared by identity where R
// replaces values and does not write into them.
int process_changes(MainThread& main, SEXP state);

// The options or devices of a state as a named list. Not protected.
SEXP list_from_state(MainThread& main, SEXP elements);

// The options alone, and whether they are still the same.
SEXP options_now(MainThread& main);
bool are_options_now(MainThread& main, SEXP options);

// Removes everything from the global environment.
void clear_workspace(MainThread& main);

}  // namespace elsewhere
