#include "bridge/notify.h"

#include <R_ext/Rdynload.h>

#include "bridge/guard.h"

namespace elsewhere {
namespace {

// later's function for native callers; it may be called from any thread.
using RunLater = void (*)(void (*run)(void*), void* data, double seconds, int loop);

constexpr int kGlobalLoop = 0;

SEXP notified_function = nullptr;

// Runs on the main thread inside later's C++ frames, so nothing may jump out.
// The R function handles its own errors; what is left here is an interrupt.
void tell_r(void*) {
  if (notified_function == nullptr) return;
  int failed = 0;
  SEXP call = PROTECT(Rf_lang1(notified_function));
  R_tryEval(call, R_GlobalEnv, &failed);
  UNPROTECT(1);
}

}  // namespace

std::function<void()> later_notifier(MainThread& main) {
  const auto run_later = reinterpret_cast<RunLater>(
      r_call(main, [] { return R_GetCCallable("later", "execLaterNative2"); }));
  return [run_later] { run_later(tell_r, nullptr, 0, kGlobalLoop); };
}

void set_notified_function(MainThread& main, SEXP notified) {
  r_call(main, [&] { R_PreserveObject(notified); });
  notified_function = notified;
}

}  // namespace elsewhere
