// How a process that a nursery has forked for a session takes the place of the
// one that processx started, in the forked child, once. First what the owner has
// sent with its request, while processx still works; then what the stand-in has:
// standard streams, limits.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"
#include "engine/wire/belongings.h"

namespace elsewhere {

// Keeps room in the environment of a nursery for sessions, which is known by it.
inline constexpr const char* kRoomName = "ELSEWHERE_ROOM";

// The session's channel becomes its descriptor, and `directory` the working
// directory. `environment` hears of it as it would from the shell that starts R.
Status move_in(const Fd& channel, const Fd& directory, std::vector<std::string>& environment);

struct Adopted {
  Fd stand_in;                     // readable once it has ended, with which the session ends
  std::vector<std::string> marks;  // NAME=value, of processx
};
// Blocks until the stand-in has sent what it has; Closed if it never will.
// Descriptors 0 to 2 are the session's afterwards. `joint` is the connection to
// the stand-in; it is not closed.
Result<Adopted> adopt_belongings(int joint);
// Makes this process the session: from here on the stand-in ends as it does. It
// hears how from the nursery, and from the session's own exit() when the nursery
// is gone by then. The joint stays open as long as the process lives.
Status take_over_from_stand_in(Fd joint);
// Writes the marks where `/proc/<pid>/environ` is read from: a fork's is the memory
// of its nursery, where the variable kRoomName keeps room for them. `room` is the
// value of that, as getenv() gave it before the environment was replaced, or null.
// What does not fit is left out.
void show_marks(char* room, const std::vector<std::string>& marks);

// For the nursery. A stand-in that is gone need not be told.
void tell_stand_in(const Fd& joint, SessionReport report);

}  // namespace elsewhere
