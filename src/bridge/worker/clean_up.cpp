#include "bridge/worker/clean_up.h"

#include <unistd.h>

#include <filesystem>

// After the standard library: R's headers declare with C names.
#include <Rinternals.h>

namespace elsewhere {
namespace {

pid_t ended_console_of = -1;

// Without it R would save, or ask.
bool was_told_not_to_save() {
  int failed = 0;
  SEXP words = PROTECT(Rf_lang1(Rf_install("commandArgs")));
  SEXP call = PROTECT(Rf_lang3(Rf_install("%in%"), PROTECT(Rf_mkString("--no-save")), words));
  SEXP answer = R_tryEvalSilent(call, R_BaseEnv, &failed);
  UNPROTECT(3);
  return failed == 0 && Rf_asLogical(answer) == TRUE;
}

}  // namespace

void note_end_of_console() { ended_console_of = ::getpid(); }

extern "C" int ends_plainly(int asks_default) {
  return ended_console_of == ::getpid() && asks_default != 0 && was_told_not_to_save();
}

extern "C" void remove_own_directory(const char* path) {
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
}

}  // namespace elsewhere
