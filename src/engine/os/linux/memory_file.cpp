#include "engine/os/memory_file.h"

#include <sys/mman.h>

#include "engine/os/linux/refusable.h"
#include "engine/os/portable/portable.h"

namespace elsewhere {

Result<Fd> memory_file(const char* name) {
  static linux_only::Refusable refusable;
  if (!refusable.is_refused()) {
    Fd file(::memfd_create(name, MFD_CLOEXEC));
    if (file) return file;
    if (!refusable.note_failure()) return system_error("cannot make a file in memory");
  }
  return portable::memory_file();
}

}  // namespace elsewhere
