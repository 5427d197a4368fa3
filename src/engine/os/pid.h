// The number of a process.
#pragma once

namespace elsewhere {

using Pid = int;  // what POSIX calls pid_t; os/posix/ holds the system to it

Pid this_process();
Pid parent_process();

}  // namespace elsewhere
