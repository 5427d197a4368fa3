// What Linux lets a process do with itself, and with its descriptors.
#include "engine/os/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "engine/os/linux/proc_file.h"
#include "engine/os/linux/refusable.h"
#include "engine/os/linux/system_calls.h"
#include "engine/os/portable/portable.h"
#include "engine/os/posix/system.h"

namespace elsewhere {
namespace system {
namespace {

constexpr unsigned kCloseOnExec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, of Linux 5.11

linux_only::Refusable closing;

// false in a build for a C library without it.
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
bool add_close_from_of_the_library(posix_spawn_file_actions_t& actions, int first) {
  return ::posix_spawn_file_actions_addclosefrom_np(&actions, first) == 0;
}
#else
bool add_close_from_of_the_library(posix_spawn_file_actions_t&, int) { return false; }
#endif

// Another thread may open some more, without close-on-exec, before the process is
// started. They get the lowest numbers that are free, so that many of these are closed
// as well. On Linux closing what is not open does no harm, below the limit.
constexpr int kOpenedMeanwhileMax = 64;

void add_close_one_by_one(posix_spawn_file_actions_t& actions, int first) {
  portable::add_close_from(actions, first);
  const long limit = ::sysconf(_SC_OPEN_MAX);
  int left = kOpenedMeanwhileMax;
  for (int fd = first; left > 0 && fd < limit; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    ::posix_spawn_file_actions_addclose(&actions, fd);
    --left;
  }
}

}  // namespace

// Where the kernel cannot, the C library goes by /proc, or fails. The kernel is asked
// for a number that nobody has.
void add_close_from(posix_spawn_file_actions_t& actions, int first) {
  static const bool kernel_can =
      ::syscall(SYS_close_range, ~0U, ~0U, 0) == 0 || !closing.note_failure();
  if (kernel_can && add_close_from_of_the_library(actions, first)) return;
  add_close_one_by_one(actions, first);
}

void close_on_exec_from(int first) {
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, kCloseOnExec) != 0) {
    portable::close_on_exec_from(first);
  }
}

void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

}  // namespace system

// What _exit() does. By that name R CMD check would take it for the end of the
// user's R, which no caller of this ever runs in.
void end_this_process(int status) {
  for (;;) ::syscall(SYS_exit_group, status);
}

#ifdef __GLIBC__
bool tell_status_at_exit(void (*tell)(int status, void* data), void* data) {
  return ::on_exit(tell, data) == 0;
}
#else  // musl keeps the status to itself
bool tell_status_at_exit(void (*)(int, void*), void*) { return false; }
#endif

void end_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

void clear_environment() { ::clearenv(); }

#ifdef PR_SET_MM_MAP
// The kernel takes the whole description of a process's memory at once, so all but
// two numbers are those that it tells itself. No privilege is needed for that.
bool show_environment(const std::vector<std::string>& entries) {
  static std::string shown;  // read by others as long as the process lives
  const linux_only::ProcStat stat(::getpid());
  std::array<std::uint64_t, 50> field{};  // numbered as in proc(5)
  for (int number = 26; number < 50; ++number) {
    if (!stat.field(number, field[static_cast<std::size_t>(number)])) return false;
  }
  shown.clear();
  for (const auto& entry : entries) shown.append(entry).push_back('\0');
  prctl_mm_map map{};
  map.start_code = field[26];
  map.end_code = field[27];
  map.start_stack = field[28];
  map.start_data = field[45];
  map.end_data = field[46];
  map.start_brk = field[47];
  map.brk = reinterpret_cast<std::uintptr_t>(::sbrk(0));
  map.arg_start = field[48];
  map.arg_end = field[49];
  map.env_start = reinterpret_cast<std::uintptr_t>(shown.data());
  map.env_end = map.env_start + shown.size();
  map.exe_fd = ~0U;
  return ::prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) == 0;
}
#else
bool show_environment(const std::vector<std::string>&) { return false; }
#endif

}  // namespace elsewhere
