// A thread of ours is silent to signals, which are R's main thread's, and is found by
// its name.
#pragma once

#include <functional>
#include <thread>

#include "engine/base/result.h"

namespace elsewhere {

// `name` has at most 15 characters. Throws what std::thread does.
std::thread start_thread(const char* name, std::function<void()> job);
// The same for a thread that nobody joins; `purpose` is for the error: "watches the
// owner".
Status run_in_background(const char* name, const char* purpose, std::function<void()> job);

}  // namespace elsewhere
