#include "bridge/worker/arrival.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "bridge/front_end.h"
#include "bridge/worker/own_directory.h"
#include "engine/os/process.h"
#include "engine/workers/launch.h"

// After the standard library: R's headers declare with C names.
#include <Rinternals.h>

#include <R_ext/Parse.h>

namespace elsewhere {
namespace {

std::string taken(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

void set(const std::string& entry) {
  const auto equals = entry.find('=');
  if (equals == std::string::npos) return;
  ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
}

bool is_set(const std::string& entry) {
  const auto equals = entry.find('=');
  const char* value = std::getenv(entry.substr(0, equals).c_str());
  return value != nullptr && std::strcmp(value, entry.c_str() + equals + 1) == 0;
}

// The shell that starts R sets the last two, or removes them.
bool is_of_start(const std::string& entry) {
  return is_read_at_start(entry) || entry.starts_with("_=") || entry.starts_with("SHLVL=");
}

// What R reads at its start it has read, and the nursery has the result; the
// owner has seen to it that the session's start would have been the same.
std::vector<std::string> as_after_start(const std::vector<std::string>& given,
                                        const std::vector<std::string>& own) {
  std::vector<std::string> entries;
  for (const auto& entry : own) {
    if (is_of_start(entry)) entries.push_back(entry);
  }
  for (const auto& entry : given) {
    if (!is_of_start(entry)) entries.push_back(entry);
  }
  return entries;
}

}  // namespace

Arrival arrive() {
  for (const char* name : {"R_PROFILE", "R_PROFILE_USER", "GLIBC_TUNABLES"}) {
    const std::string saved = std::string("ELSEWHERE_SAVED_") + name;
    const char* value = std::getenv(saved.c_str());
    if (value == nullptr) {
      ::unsetenv(name);
    } else {
      ::setenv(name, value, 1);
      ::unsetenv(saved.c_str());
    }
  }
  // A copy of an environment file, and the libraries, were for R's start alone.
  for (const char* name : {"R_ENVIRON", "R_ENVIRON_USER", "R_LIBS", "R_LIBS_USER", "R_LIBS_SITE"}) {
    const std::string saved = std::string("ELSEWHERE_SAVED_") + name;
    const char* value = std::getenv(saved.c_str());
    if (value == nullptr) continue;
    if (*value == '\0') {
      ::unsetenv(name);
    } else {
      ::setenv(name, value, 1);
    }
    ::unsetenv(saved.c_str());
  }
  ::unsetenv("ELSEWHERE_DLL");
  Arrival arrival{taken("ELSEWHERE_BEFORE_PROFILE"), taken("ELSEWHERE_USER_PROFILE")};
  return arrival;
}

void replace_environment(const std::vector<std::string>& entries) {
  clear_environment();
  add_environment(entries);
}

void add_environment(const std::vector<std::string>& entries) {
  for (const auto& entry : entries) set(entry);
}

std::string start_environment(const std::vector<std::string>& given,
                              const std::vector<std::string>& own) {
  const auto entries = as_after_start(given, own);
  replace_environment(entries);
  std::string directory = take_own_directory();
  front_end().read_environment_files();
  // What the nursery had from its own start has been through these files.
  for (const auto& entry : entries) {
    const bool is_own = std::find(own.begin(), own.end(), entry) != own.end();
    if (is_own && !is_set(entry)) set(entry);
  }
  return directory;
}

bool run_preamble(const std::string& code, Errors errors) {
  const auto evaluate = errors == Errors::Silent ? R_tryEvalSilent : R_tryEval;
  ParseStatus status = PARSE_NULL;
  int failed = 0;
  SEXP text = PROTECT(Rf_mkString(code.c_str()));
  SEXP parsed = PROTECT(R_ParseVector(text, -1, &status, R_NilValue));
  for (R_xlen_t i = 0; status == PARSE_OK && failed == 0 && i < Rf_xlength(parsed); ++i) {
    evaluate(VECTOR_ELT(parsed, i), R_BaseEnv, &failed);
  }
  UNPROTECT(2);
  return failed == 0;
}

}  // namespace elsewhere
