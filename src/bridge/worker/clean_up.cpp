#include "bridge/worker/clean_up.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

// After the standard library: R's headers declare with C names.
#include <Rinternals.h>

#include <R_ext/GraphicsEngine.h>
#include <Rembedded.h>

#define R_INTERFACE_PTRS
#include <Rinterface.h>

namespace elsewhere {
namespace {

void (*clean_up_of_r)(SA_TYPE, int, int) = nullptr;
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

// R's steps in R's order, for an end in which there is nothing to save or print.
void clean_up(SA_TYPE action, int status, int runs_last) {
  const bool is_plain = ended_console_of == ::getpid() && action == SA_DEFAULT;
  if (!is_plain || R_TempDir == nullptr || !was_told_not_to_save()) {
    return clean_up_of_r(action, status, runs_last);
  }
  if (runs_last != 0) R_dot_Last();
  R_RunExitFinalizers();
  Rf_KillAllDevices();
  std::error_code failed;
  std::filesystem::remove_all(R_TempDir, failed);
  std::exit(status);
}

}  // namespace

void replace_clean_up() {
  clean_up_of_r = ptr_R_CleanUp;
  ptr_R_CleanUp = clean_up;
}

void note_end_of_console() { ended_console_of = ::getpid(); }

}  // namespace elsewhere
