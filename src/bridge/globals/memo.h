// Summaries of code already walked, by the identity of the code. R's code does
// not change in place once somebody else holds it, and the memo holds what it
// knows, so an entry is right for as long as it is there. Bounded: when it is
// full it starts again from nothing.
#pragma once

#include <Rinternals.h>

#include <memory>

#include "bridge/globals/summary.h"
#include "bridge/globals/walker.h"

namespace elsewhere {

using SharedSummary = std::shared_ptr<const Summary>;

// Never null. `function` is a closure.
SharedSummary summary_of_function(MainThread& main, SEXP function);
SharedSummary summary_of_code(MainThread& main, SEXP code, Certainty certainty);

// For tests and diagnosis: how often a summary was there already, and not.
struct MemoCounts {
  std::size_t hits = 0;
  std::size_t walks = 0;
  std::size_t nodes = 0;
};
MemoCounts memo_counts(MainThread& main);

}  // namespace elsewhere
