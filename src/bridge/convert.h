// Small R values to C++ values and back, for the entries. The R function has
// checked the arguments; what is wrong here is a bug of ours.
#pragma once

#include <Rinternals.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bridge/main_thread.h"

namespace elsewhere {

bool flag_from(MainThread&, SEXP value);
int int_from(MainThread&, SEXP value);
double number_from(MainThread&, SEXP value);
std::string string_from(MainThread&, SEXP value);
std::vector<std::string> strings_from(MainThread&, SEXP value);
// Seconds as R gives them; `Inf` waits for ever and is empty here.
std::optional<std::chrono::milliseconds> seconds_from(MainThread&, SEXP value);

// None of the results is protected.
SEXP to_r(MainThread&, const std::string& text);
SEXP to_r(MainThread&, const std::vector<std::string>& texts);
// A named list; each value must be protected by the caller.
SEXP named_list(MainThread&, std::initializer_list<std::pair<const char*, SEXP>> fields);

}  // namespace elsewhere
