// What is due: reactions of promises that have settled, one queue for each event
// loop of `later`. A callback of that loop runs the queue, so that whoever runs a
// private loop runs the tasks that were made in it, and no others.
// Main thread only, inside r_call().
#pragma once

#include <Rinternals.h>

namespace elsewhere::eval {

constexpr int kGlobalLoop = 0;

// The id of later's current loop.
int current_loop();

// Queues a reaction. Where `loop` has been destroyed, the global loop takes it.
void queue_on_loop(int loop, SEXP reaction, SEXP core);

// Runs what is due on a loop, up to `count_max` reactions. One that runs the event
// loop itself finds the rest of the queue there.
void drain(int loop, int count_max);

// Asks `later` for a callback if something is due and none was asked for.
void schedule_drain(int loop);

}  // namespace elsewhere::eval
