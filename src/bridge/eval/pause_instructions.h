// The instructions that pause, and those of loops and nextOr() that may. Main thread
// alone; all of it may leave by one of R's jumps.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// Waits for the value that lies `below` the top, if that is something to wait for.
void await_operand(const Coroutine& co, int below);
void yield_value(const Coroutine& co, const int* operand);

void push_next_item(const Coroutine& co, const int* operand);
// Pops an item and pushes what is in it; false, and the jump made, at the end.
bool open_item(const Coroutine& co, int end_pc);
void next_of_for(const Coroutine& co, const int* operand);
void take_item(const Coroutine& co, const int* operand);

}  // namespace elsewhere::eval
