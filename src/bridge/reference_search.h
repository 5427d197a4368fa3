// Where in a value the external pointer lies, or the connection, that cannot
// travel: asked when a value has been refused, never before. R's main thread.
#pragma once

#include <Rinternals.h>

#include <cstddef>
#include <string>

#include "bridge/main_thread.h"
#include "bridge/reference_parts.h"

namespace elsewhere {

struct FoundReference {
  enum class Answer { None, Found, GaveUp };
  Answer answer = Answer::None;
  std::string path;    // R code that leads there
  std::string kind;    // its class: "externalptr", "file"
  std::string holder;  // the class of the object that it is part of; empty for none
};

// So many values are looked into before the search gives up, a few seconds' work.
constexpr std::size_t kLookedIntoMax = 5'000'000;

// The reference with the fewest steps to it; every value is looked into once, so
// that environments may hold themselves. `name` is what `value` is called; the
// elements of a list whose name is empty are variables.
FoundReference find_reference(MainThread& main, SEXP value, const std::string& name,
                              const PartRules& rules, std::size_t looked_into_max = kLookedIntoMax);

// What a worker that has refused its result answers, one line each: a mark, class,
// holder and path of what it has found. R/words-travel.R reads it.
std::string refusal_of(MainThread& main, SEXP result);

}  // namespace elsewhere
