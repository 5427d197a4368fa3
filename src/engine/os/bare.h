// What the engine and the stand-in both ask of the system: plain functions over
// plain values, because the stand-in links no library. Failures are errno. Any
// thread; none blocks.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace elsewhere::bare {

// A descriptor to be sent to others, readable there once this process has ended; -1
// if there is none. `held` is a second one that must stay open here, in this process
// alone, for that; -1 if none must.
int watch_of_this_process(int& held);

// Sends a signal to the process that `watch` watches, or only looks with 0. Returns 0
// or what is wrong: ESRCH if it has ended.
int send_signal(int watch, pid_t pid, int number);

// The processors that this process may run on, in the system's own form.
void get_processors(unsigned char* into, std::size_t bytes);
void set_processors(const unsigned char* from, std::size_t bytes);

// How a process ended that is not our child, as wait() has it. false if nobody can
// say.
bool status_of_ended(pid_t pid, int watch, int& status);

}  // namespace elsewhere::bare
