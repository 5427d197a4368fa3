// bare.h in a build for ELSEWHERE_OS=portable. Without a library, as portable/bare.cpp.
#include "engine/os/bare.h"

#include "engine/os/portable/portable.h"

#include "engine/os/portable/poison.h"

namespace elsewhere::bare {

int watch_of_this_process(int& held) { return portable::watch_of_this_process(held); }
int send_signal(int watch, pid_t pid, int number) {
  return portable::send_signal(watch, pid, number);
}
// The session has the nursery's, and the nursery its owner's.
void get_processors(unsigned char*, std::size_t) {}
void set_processors(const unsigned char*, std::size_t) {}
bool status_of_ended(pid_t, int, int&) { return false; }

}  // namespace elsewhere::bare
