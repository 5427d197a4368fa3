// A file without a name, in memory where the system has such: it is shared by sending
// its descriptor, and is gone when the last of these is closed.
#pragma once

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

// Empty, to read and write, close-on-exec. `name` is what a list of this process's
// descriptors may show. Any thread; does not block.
Result<Fd> memory_file(const char* name);

}  // namespace elsewhere
