// What the engine and the stand-in both ask of the system: plain functions over
// plain values, because the stand-in links no library. Failures are errno. Any
// thread; none blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/os/pid.h"

namespace elsewhere::bare {

// A descriptor to be sent to others, readable there once this process has ended; -1
// if there is none. `held` is a second one that must stay open here, in this process
// alone, for that; -1 if none must.
int watch_of_this_process(int& held);

// Sends a signal to the process that `watch` watches, or only looks with 0. Returns 0
// or what is wrong: ESRCH if it has ended.
int send_signal(int watch, Pid pid, int number);

// The processors that this process may run on, in the system's own form.
void get_processors(unsigned char* into, std::size_t bytes);
void set_processors(const unsigned char* from, std::size_t bytes);

// What a process has from the one that started it, and a fork of another process has
// not. It travels as it is: both ends are built together and run on one machine.
struct Limit {
  std::uint64_t soft;
  std::uint64_t hard;
};
inline constexpr int kLimitsMax = 16;  // no system has more
struct Inherited {
  Limit limits[kLimitsMax];  // on resources, as the system numbers them
  unsigned char processors[128];
  std::uint32_t mask;  // of permissions
  std::int32_t niceness;
};
void get_inherited(Inherited& into);
// What cannot be set to its value stays as it is.
void set_inherited(const Inherited& from);

// How a process ended that is not our child, as wait() has it. false if nobody can
// say.
bool status_of_ended(Pid pid, int watch, int& status);

}  // namespace elsewhere::bare
