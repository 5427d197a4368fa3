// SIGINT in a process that evaluates for an owner.
#pragma once

namespace elsewhere {

// From R 4.4 on, R leaves SIGINT ignored where a process was started so: with `&` in a
// script, by nohup, as a node of parallel. An owner could then interrupt nothing that
// such a process runs. From here on the signal is R's interrupt, as in any other; what
// handles it already stays. R's main thread.
void take_interrupts();

}  // namespace elsewhere
