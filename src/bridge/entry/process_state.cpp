#include "bridge/process_state.h"

#include <chrono>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "bridge/output_capture.h"

extern char** environ;

namespace elsewhere {
namespace {

// What a future of plan(sequential) prints.
OutputCapture& own_capture(MainThread&) {
  static OutputCapture capture;
  return capture;
}

}  // namespace

extern "C" SEXP ew_capture_begin() {
  return guard([&](MainThread& main) {
    const bool has_begun = own_capture(main).begin(main);
    return r_call(main, [&] { return Rf_ScalarLogical(has_begun); });
  });
}

// The bytes are in the encoding of the session, as R printed them.
extern "C" SEXP ew_capture_end() {
  return guard([&](MainThread& main) {
    const std::string text = own_capture(main).end(main);
    return r_call(main, [&] {
      SEXP one = PROTECT(Rf_mkCharLenCE(text.data(), static_cast<int>(text.size()), CE_NATIVE));
      SEXP out = Rf_ScalarString(one);
      UNPROTECT(1);
      return out;
    });
  });
}

extern "C" SEXP ew_process_state() {
  return guard([&](MainThread& main) { return process_state(main); });
}

extern "C" SEXP ew_process_changes(SEXP state) {
  return guard([&](MainThread& main) {
    const int changes = process_changes(main, state);
    return r_call(main, [&] { return Rf_ScalarInteger(changes); });
  });
}

extern "C" SEXP ew_state_list(SEXP elements) {
  return guard([&](MainThread& main) { return list_from_state(main, elements); });
}

extern "C" SEXP ew_options_now() {
  return guard([&](MainThread& main) { return options_now(main); });
}

extern "C" SEXP ew_are_options_now(SEXP options) {
  return guard([&](MainThread& main) {
    const bool is_same = are_options_now(main, options);
    return r_call(main, [&] { return Rf_ScalarLogical(is_same); });
  });
}

extern "C" SEXP ew_clear_workspace() {
  return guard([&](MainThread& main) {
    clear_workspace(main);
    return R_NilValue;
  });
}

// Seconds since the epoch. Sys.time() makes an object of it first.
extern "C" SEXP ew_now() {
  return guard([&](MainThread& main) {
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    return r_call(main, [&] { return Rf_ScalarReal(now.count()); });
  });
}

// NAME=value, as the process has them, in no order. R sorts its own answer by
// the locale, which costs more than a small task.
extern "C" SEXP ew_environment_variables() {
  return guard([&](MainThread& main) {
    return r_call(main, [] {
      R_xlen_t count = 0;
      while (environ != nullptr && environ[count] != nullptr) ++count;
      SEXP out = PROTECT(Rf_allocVector(STRSXP, count));
      for (R_xlen_t i = 0; i < count; ++i) SET_STRING_ELT(out, i, Rf_mkChar(environ[i]));
      UNPROTECT(1);
      return out;
    });
  });
}

}  // namespace elsewhere
