// By /proc, which a container may not have.
#include "engine/os/process_facts.h"

#include <sched.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <string>

#include "engine/os/linux/proc_file.h"
#include "engine/os/portable/portable.h"

namespace elsewhere {

bool is_stopped(Pid pid) {
  const linux_only::ProcStat stat(pid);
  return stat.is_there() ? stat.state() == 'T' : portable::is_stopped(pid);
}

std::uint64_t resident_bytes(Pid pid) {
  const linux_only::ProcFile statm(pid, "statm");
  std::uint64_t size = 0, resident = 0;
  if (std::sscanf(statm.text(), "%" SCNu64 " %" SCNu64, &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Result<double> started_at(Pid pid) {
  std::uint64_t ticks = 0;
  if (!linux_only::ProcStat(pid).field(22, ticks)) {
    return system_error("cannot read `/proc/" + std::to_string(pid) + "/stat`");
  }
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<int> count_threads() {
  std::error_code failed;
  const std::filesystem::directory_iterator tasks("/proc/self/task", failed);
  if (!failed) return static_cast<int>(std::distance(begin(tasks), end(tasks)));
  // Only a process of one thread may ask for this, and for it nothing changes.
  if (::unshare(CLONE_THREAD) == 0) return 1;
  return {};
}

}  // namespace elsewhere
