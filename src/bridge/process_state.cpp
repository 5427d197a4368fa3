#include "bridge/process_state.h"

#include <unistd.h>

#include <climits>
#include <clocale>
#include <cstring>

#include "bridge/guard.h"
#include "bridge/r_api.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to us

namespace elsewhere {
namespace {

enum Field {
  kOptions,
  kVariables,
  kDirectory,
  kSeed,
  kDevices,
  kConnections,
  kSearch,
  kLocale,
  kNamespaces,
  kFields
};
constexpr const char* kNames[kFields] = {"options", "variables", "directory",
                                         "seed",    "devices",   "connections",
                                         "search",  "locale",    "namespaces"};

// The functions below may fail in R and hold nothing with a destructor.

// Made once: a state is taken before every task.
SEXP field_names() {
  static SEXP names = nullptr;
  if (names == nullptr) {
    SEXP made = PROTECT(Rf_allocVector(STRSXP, kFields));
    for (int i = 0; i < kFields; ++i) SET_STRING_ELT(made, i, Rf_mkChar(kNames[i]));
    R_PreserveObject(made);
    UNPROTECT(1);
    names = made;
  }
  return names;
}

SEXP connections() {
  static SEXP call = nullptr;
  if (call == nullptr) {
    SEXP made = PROTECT(Rf_lang1(Rf_install("getAllConnections")));
    R_PreserveObject(made);
    UNPROTECT(1);
    call = made;
  }
  return Rf_eval(call, R_BaseEnv);
}

bool are_same_numbers(SEXP one, SEXP other) {
  const R_xlen_t count = Rf_xlength(one);
  return count == Rf_xlength(other) &&
         std::memcmp(INTEGER(one), INTEGER(other), sizeof(int) * static_cast<size_t>(count)) == 0;
}

SEXP base_pairlist(const char* name) {
  SEXP value = variable_in(R_BaseEnv, Rf_install(name));
  return TYPEOF(value) == LISTSXP ? value : R_NilValue;
}

// Values and tags by turns: cheaper to take than a list with names, which is
// needed only when something has changed.
SEXP elements_of(SEXP pairs) {
  const R_xlen_t count = Rf_length(pairs);
  SEXP out = PROTECT(Rf_allocVector(VECSXP, 2 * count));
  for (R_xlen_t i = 0; i < count; ++i, pairs = CDR(pairs)) {
    SET_VECTOR_ELT(out, 2 * i, CAR(pairs));
    SET_VECTOR_ELT(out, 2 * i + 1, TAG(pairs));
  }
  UNPROTECT(1);
  return out;
}

bool are_elements(SEXP pairs, SEXP elements) {
  const R_xlen_t count = Rf_xlength(elements) / 2;
  for (R_xlen_t i = 0; i < count; ++i, pairs = CDR(pairs)) {
    if (pairs == R_NilValue || CAR(pairs) != VECTOR_ELT(elements, 2 * i)) return false;
  }
  return pairs == R_NilValue;
}

SEXP list_of(SEXP elements) {
  const R_xlen_t count = Rf_xlength(elements) / 2;
  SEXP out = PROTECT(Rf_allocVector(VECSXP, count));
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  for (R_xlen_t i = 0; i < count; ++i) {
    SET_VECTOR_ELT(out, i, VECTOR_ELT(elements, 2 * i));
    const SEXP tag = VECTOR_ELT(elements, 2 * i + 1);
    SET_STRING_ELT(names, i, tag == R_NilValue ? R_BlankString : PRINTNAME(tag));
  }
  Rf_setAttrib(out, R_NamesSymbol, names);
  UNPROTECT(2);
  return out;
}

std::size_t variables_bytes() {
  std::size_t bytes = 0;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    bytes += std::strlen(*entry) + 1;
  }
  return bytes;
}

SEXP variables() {
  SEXP out = PROTECT(Rf_allocVector(RAWSXP, static_cast<R_xlen_t>(variables_bytes())));
  Rbyte* next = RAW(out);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::size_t bytes = std::strlen(*entry) + 1;
    std::memcpy(next, *entry, bytes);
    next += bytes;
  }
  UNPROTECT(1);
  return out;
}

bool are_variables(SEXP block) {
  if (variables_bytes() != static_cast<std::size_t>(Rf_xlength(block))) return false;
  const Rbyte* next = RAW(block);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::size_t bytes = std::strlen(*entry) + 1;
    if (std::memcmp(next, *entry, bytes) != 0) return false;
    next += bytes;
  }
  return true;
}

SEXP seed() {
  SEXP value = variable_in(R_GlobalEnv, Rf_install(".Random.seed"));
  return value == R_UnboundValue ? R_NilValue : value;
}

const char* directory(char* buffer, std::size_t bytes) {
  return ::getcwd(buffer, bytes) == nullptr ? "" : buffer;
}

}  // namespace

SEXP process_state(MainThread& main) {
  return r_call(main, [] {
    char path[PATH_MAX];
    SEXP out = PROTECT(Rf_allocVector(VECSXP, kFields));
    Rf_setAttrib(out, R_NamesSymbol, field_names());
    SET_VECTOR_ELT(out, kOptions, elements_of(base_pairlist(".Options")));
    SET_VECTOR_ELT(out, kVariables, variables());
    SET_VECTOR_ELT(out, kDirectory, Rf_mkString(directory(path, sizeof path)));
    SET_VECTOR_ELT(out, kSeed, seed());
    SET_VECTOR_ELT(out, kDevices, elements_of(base_pairlist(".Devices")));
    SET_VECTOR_ELT(out, kConnections, connections());
    SET_VECTOR_ELT(out, kSearch, parent_of(R_GlobalEnv));
    SET_VECTOR_ELT(out, kLocale, Rf_mkString(std::setlocale(LC_ALL, nullptr)));
    SET_VECTOR_ELT(out, kNamespaces, Rf_ScalarInteger(static_cast<int>(loaded_namespaces())));
    UNPROTECT(1);
    return out;
  });
}

int process_changes(MainThread& main, SEXP state) {
  int changes = 0;
  const auto note = [&](StateChange change, bool is_same) {
    if (!is_same) changes |= static_cast<int>(change);
  };
  r_call(main, [&] {
    char path[PATH_MAX];
    note(StateChange::Options,
         are_elements(base_pairlist(".Options"), VECTOR_ELT(state, kOptions)));
    note(StateChange::Variables, are_variables(VECTOR_ELT(state, kVariables)));
    note(StateChange::Directory,
         std::strcmp(directory(path, sizeof path),
                     CHAR(STRING_ELT(VECTOR_ELT(state, kDirectory), 0))) == 0);
    note(StateChange::Seed, seed() == VECTOR_ELT(state, kSeed));
    note(StateChange::Devices,
         are_elements(base_pairlist(".Devices"), VECTOR_ELT(state, kDevices)));
    note(StateChange::Connections,
         are_same_numbers(connections(), VECTOR_ELT(state, kConnections)));
    note(StateChange::Search, parent_of(R_GlobalEnv) == VECTOR_ELT(state, kSearch));
    note(StateChange::Locale, std::strcmp(std::setlocale(LC_ALL, nullptr),
                                          CHAR(STRING_ELT(VECTOR_ELT(state, kLocale), 0))) == 0);
  });
  return changes;
}

SEXP list_from_state(MainThread& main, SEXP elements) {
  return r_call(main, [&] { return list_of(elements); });
}

SEXP options_now(MainThread& main) {
  return r_call(main, [] { return elements_of(base_pairlist(".Options")); });
}

bool are_options_now(MainThread& main, SEXP options) {
  bool is_same = false;
  r_call(main, [&] { is_same = are_elements(base_pairlist(".Options"), options); });
  return is_same;
}

void clear_workspace(MainThread& main) {
  r_call(main, [] {
    SEXP names = PROTECT(R_lsInternal3(R_GlobalEnv, TRUE, FALSE));
    for (R_xlen_t i = 0; i < Rf_xlength(names); ++i) {
      R_removeVarFromFrame(Rf_installTrChar(STRING_ELT(names, i)), R_GlobalEnv);
    }
    UNPROTECT(1);
  });
}

}  // namespace elsewhere
