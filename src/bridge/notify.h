// From the I/O thread to R's event loop: the I/O thread asks `later` to call
// the main thread, which then tells R which tasks have settled. No polling.
#pragma once

#include <Rinternals.h>

#include <functional>

#include "bridge/main_thread.h"

namespace elsewhere {

// A function for any thread that makes R call the function below soon.
std::function<void()> later_notifier(MainThread&);
// From now on it calls from this private loop of later's, too, while that lives.
void notify_loop_too(int loop);
// `notified` is function(), called on the main thread from later's event loop.
void set_notified_function(MainThread&, SEXP notified);

}  // namespace elsewhere
