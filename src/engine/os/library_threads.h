// The threads of libraries that compute: OpenMP, and the libraries of linear algebra
// that have threads of their own.
#pragma once

namespace elsewhere {

// Tells those that are loaded in this process already to use `count` threads from now
// on. A library that is loaded later reads the environment. Any thread; returns at once.
void limit_library_threads(int count);

}  // namespace elsewhere
