// A check of our own invariants that stays on in the released library: what it
// throws fails the task at hand with ErrorCode::Bug, and nothing else.
#pragma once

#include <stdexcept>
#include <string>

namespace elsewhere {

class BrokenInvariant : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void ensure(bool holds, const char* what) {
  if (!holds) throw BrokenInvariant(std::string("a bug in elsewhere: ") + what);
}

}  // namespace elsewhere
