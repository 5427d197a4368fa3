#include "bridge/interrupts.h"

#include <signal.h>

// After the standard library: R's headers declare with C names.
#include <Rinternals.h>

// Declares R's interrupt flags, and needs the header above.
#include <R_ext/GraphicsEngine.h>

namespace elsewhere {
namespace {

// As R's own: what runs looks at the flag where it can be interrupted.
extern "C" void note_interrupt(int) { R_interrupts_pending = 1; }

}  // namespace

void take_interrupts() {
  struct sigaction now {};
  if (::sigaction(SIGINT, nullptr, &now) != 0 || now.sa_handler != SIG_IGN) return;
  now.sa_handler = note_interrupt;
  now.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &now, nullptr);
}

}  // namespace elsewhere
