#include "bridge/worker/own_directory.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "bridge/front_end.h"
#include "engine/os/process.h"
#include "engine/os/temporary_directory.h"

// After the standard library: R's header declares with C names.
#include <Rinternals.h>

namespace elsewhere {
namespace {

void set_variable(const char* name, const char* value) {
  if (value == nullptr) {
    ::unsetenv(name);
  } else {
    ::setenv(name, value, 1);
  }
}

// R makes a new directory when it finds that the one it has is gone.
void make_new_directory() {
  int failed = 0;
  SEXP call = PROTECT(Rf_lang2(Rf_install("tempdir"), PROTECT(Rf_ScalarLogical(TRUE))));
  R_tryEvalSilent(call, R_BaseEnv, &failed);
  UNPROTECT(2);
}

}  // namespace

std::string temporary_directory() {
  const char* path = front_end().temporary_directory();
  return path == nullptr ? "" : path;
}

std::string take_own_directory() {
  const char* given = std::getenv(kOwnDirectory.data());
  if (given == nullptr) return {};
  std::string path = given;
  ::unsetenv(kOwnDirectory.data());
  set_variable("TMPDIR", std::getenv(kSavedDirectory.data()));
  ::unsetenv(kSavedDirectory.data());
  return path;
}

// R removes at its end what this buffer holds, and not what another one would. It
// is long enough: the path in it begins with the one that comes in its place.
void move_into_directory(const std::string& path) {
  char* const own = front_end().temporary_directory();
  if (path.empty() || own == nullptr) return;
  const bool is_inside = std::string_view(own).starts_with(path) && own[path.size()] == '/';
  if (!is_inside) {
    ::rmdir(path.c_str());  // R could not use it, and has found another place
  } else if (::rmdir(own) == 0) {
    std::memcpy(own, path.c_str(), path.size() + 1);
    ::setenv("R_SESSION_TMPDIR", own, 1);
  }
}

void renew_directory(const std::string& path) {
  if (path.empty()) return make_new_directory();
  if (::access(path.c_str(), W_OK) != 0) end_this_process(1);
  const char* given = std::getenv("TMPDIR");
  const std::string saved = given == nullptr ? "" : given;
  ::setenv("TMPDIR", path.c_str(), 1);
  make_new_directory();
  set_variable("TMPDIR", given == nullptr ? nullptr : saved.c_str());
  move_into_directory(path);
}

}  // namespace elsewhere
