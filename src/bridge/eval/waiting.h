// The coroutines that wait now. Nothing here keeps them alive: one that can never
// go on, because nobody can settle what it waits for, is collected as garbage, and
// what is due when it ends (finally, on.exit()) runs then, from the event loop.
// Main thread only, inside r_call().
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// A task or stream waits for something.
void note_waiting(const Coroutine& co);
// It has ended.
void forget_waiting(const Coroutine& co);
// The list of them, the oldest first; not protected.
SEXP waiting_coroutines();

// A generator is paused; if something is due when it ends, see to it that this
// happens also when it is dropped.
void note_paused_generator(const Coroutine& co);

}  // namespace elsewhere::eval
