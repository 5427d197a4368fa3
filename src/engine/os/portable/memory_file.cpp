#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "engine/os/portable/portable.h"

#include "engine/os/portable/poison.h"

namespace elsewhere::portable {

Result<Fd> memory_file() {
  const char* chosen = std::getenv("TMPDIR");
  // The first is in memory where it exists, as on Linux.
  for (const char* parent : {"/dev/shm", chosen, "/tmp"}) {
    if (parent == nullptr || *parent == '\0') continue;
    std::string path = std::string(parent) + "/elsewhere-XXXXXX";
    Fd file(::mkstemp(path.data()));
    if (!file) continue;
    if (::unlink(path.c_str()) == 0 && ::fcntl(file.get(), F_SETFD, FD_CLOEXEC) == 0) return file;
    return system_error("cannot create an unnamed file");
  }
  return system_error("cannot create an unnamed file in /dev/shm, TMPDIR or /tmp");
}

}  // namespace elsewhere::portable
