// on.exit() of a layer's frame is put away at a pause, or R would run it as the base
// context ends, and is registered anew when the body goes on.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

// Also for a jump that leaves the layer while code that may pause is due, which comes
// before its on.exit().
void park_exits(const Coroutine& co, int layer);
void restore_exits(const Coroutine& co, int layer);

}  // namespace elsewhere::eval
