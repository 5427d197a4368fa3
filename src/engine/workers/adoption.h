// How a process that a nursery has forked for a session takes the place of the
// one that processx started: descriptors, working directory, limits. Blocks until
// the stand-in has sent what it has; in the forked child, once.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

struct Adopted {
  Fd stand_in;                           // a pidfd: the session ends with it
  std::vector<std::string> environment;  // NAME=value, as given to the stand-in
};
// Descriptors 0 to 3 are the session's afterwards. `joint` is the connection to
// the stand-in; it is not closed.
Result<Adopted> adopt_belongings(int joint);

}  // namespace elsewhere
