#include "bridge/notify.h"

#include <R_ext/Rdynload.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bridge/guard.h"
#include "engine/base/guarded.h"

namespace elsewhere {
namespace {

// later's function for native callers; it may be called from any thread.
// Returns 0 if there is no such loop.
using RunLater = std::uint64_t (*)(void (*run)(void*), void* data, double seconds, int loop);

constexpr int kGlobalLoop = 0;

SEXP notified_function = nullptr;

// Written on the main thread, read on the I/O thread.
Guarded<std::vector<int>>& private_loops() {
  static Guarded<std::vector<int>> loops;
  return loops;
}

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
  return [run_later] {
    run_later(tell_r, nullptr, 0, kGlobalLoop);
    private_loops().with([&](std::vector<int>& loops) {
      std::erase_if(loops, [&](int loop) { return run_later(tell_r, nullptr, 0, loop) == 0; });
    });
  };
}

void notify_loop_too(int loop) {
  if (loop == kGlobalLoop) return;
  private_loops().with([&](std::vector<int>& loops) {
    if (std::find(loops.begin(), loops.end(), loop) == loops.end()) loops.push_back(loop);
  });
}

void set_notified_function(MainThread& main, SEXP notified) {
  r_call(main, [&] { R_PreserveObject(notified); });
  notified_function = notified;
}

}  // namespace elsewhere
