// R's front end in this process, which is a worker or about to be forked. R's main
// thread.
#pragma once

#include "frontend/front_end.h"

namespace elsewhere {

// The table of the program that this process runs. Where that is R's own program, the
// table is loaded from beside this library, once. Throws where it is not there. Inside a
// door.
const elsewhere_front_end_table& front_end();

}  // namespace elsewhere
