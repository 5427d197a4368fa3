// By /proc, which a container may not have. POSIX has no question for these; another
// system answers them in a file of its own.
#include "engine/os/process_facts.h"

#include <sched.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "engine/os/linux/proc_file.h"
#include "engine/os/portable/portable.h"

namespace elsewhere {

using linux_only::start_of_file;

namespace {

std::string file_of(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

}  // namespace

bool is_stopped(pid_t pid) {
  const std::string stat = start_of_file(file_of(pid, "stat"));
  if (stat.empty()) return portable::is_stopped(pid);
  // The name in brackets may hold anything, so what counts comes after it.
  const auto bracket = stat.rfind(')');
  return bracket != std::string::npos && stat.compare(bracket, 3, ") T") == 0;
}

std::uint64_t resident_bytes(pid_t pid) {
  const std::string statm = start_of_file(file_of(pid, "statm"));
  std::uint64_t size = 0, resident = 0;
  if (std::sscanf(statm.c_str(), "%" SCNu64 " %" SCNu64, &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The 22nd field; the second, a name in brackets, may hold anything.
Result<double> started_at(pid_t pid) {
  const std::string path = file_of(pid, "stat");
  const std::string stat = start_of_file(path);
  if (stat.empty()) return system_error("cannot read `" + path + "`");
  const char* next = std::strrchr(stat.c_str(), ')');
  for (int field = 2; next != nullptr && field < 22; ++field) next = std::strchr(next + 1, ' ');
  if (next == nullptr) return Error{ErrorCode::System, "`" + path + "` has no time of start"};
  const auto ticks = static_cast<double>(std::strtoull(next + 1, nullptr, 10));
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
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
