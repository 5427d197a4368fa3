// What the system tells of a process on this machine, whoever's it is. Any thread;
// each is a look that does not block.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/result.h"
#include "engine/os/pid.h"

namespace elsewhere {

// Whether it is stopped by a signal, as by SIGSTOP. false if there is no such process.
// Where the system does not tell of all, it does of the children of this one.
bool is_stopped(Pid pid);
// How much memory it has in use; 0 if it is gone, or the system does not tell.
std::uint64_t resident_bytes(Pid pid);
// Seconds from the start of the machine to that of the process.
Result<double> started_at(Pid pid);
// The threads of this process; nothing where the system does not tell.
std::optional<int> count_threads();

}  // namespace elsewhere
