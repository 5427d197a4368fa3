#include "engine/os/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace elsewhere {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

// posix_spawn's two option blocks, destroyed on every way out.
class SpawnOptions {
 public:
  SpawnOptions() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnOptions() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnOptions(const SpawnOptions&) = delete;
  SpawnOptions& operator=(const SpawnOptions&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace

Result<Process> spawn(const SpawnRequest& request) {
  // Sources first move above every target, so that no dup2 overwrites a source
  // that is still needed.
  int highest = 2;
  for (const auto& [target, source] : request.descriptors) highest = std::max(highest, target);
  std::vector<Fd> moved;
  SpawnOptions options;
  for (int standard = 0; standard < 3; ++standard) {
    const bool is_given = std::any_of(request.descriptors.begin(), request.descriptors.end(),
                                      [&](const auto& pair) { return pair.first == standard; });
    if (!is_given) {
      ::posix_spawn_file_actions_addopen(&options.actions, standard, "/dev/null", O_RDWR, 0);
    }
  }
  for (const auto& [target, source] : request.descriptors) {
    Fd copy(::fcntl(source, F_DUPFD_CLOEXEC, highest + 1));
    if (!copy) return system_error("cannot duplicate a descriptor for `" + request.program + "`");
    ::posix_spawn_file_actions_adddup2(&options.actions, copy.get(), target);
    moved.push_back(std::move(copy));
  }
  // Close-on-exec cannot be relied on: R opens its connections without it.
  for (int number = 3; number <= highest; ++number) {
    const bool is_target = std::any_of(request.descriptors.begin(), request.descriptors.end(),
                                       [&](const auto& pair) { return pair.first == number; });
    if (!is_target) ::posix_spawn_file_actions_addclose(&options.actions, number);
  }
  ::posix_spawn_file_actions_addclosefrom_np(&options.actions, highest + 1);

  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  sigdelset(&all, SIGKILL);
  sigdelset(&all, SIGSTOP);
  ::posix_spawnattr_setsigmask(&options.attributes, &none);
  ::posix_spawnattr_setsigdefault(&options.attributes, &all);
  ::posix_spawnattr_setflags(
      &options.attributes,
      static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID));

  std::vector<std::string> words{request.program};
  words.insert(words.end(), request.arguments.begin(), request.arguments.end());
  const auto arguments = pointers(words);
  const auto environment = pointers(request.environment);
  pid_t pid = -1;
  const int code = ::posix_spawn(&pid, request.program.c_str(), &options.actions,
                                 &options.attributes, arguments.data(), environment.data());
  if (code != 0) {
    errno = code;
    return system_error("cannot start `" + request.program + "`");
  }
  auto pidfd = open_pidfd(pid);
  if (!pidfd.ok()) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return pidfd.error();
  }
  return Process{pid, std::move(pidfd.value())};
}

Result<Fd> open_pidfd(pid_t pid) {
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // close-on-exec by definition
  if (!fd) return system_error("cannot watch process " + std::to_string(pid));
  return fd;
}

Result<bool> send_signal(const Process& process, int signal) {
  if (::syscall(SYS_pidfd_send_signal, process.pidfd.get(), signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  return system_error("cannot send signal " + std::to_string(signal) + " to process " +
                      std::to_string(process.pid));
}

Result<std::optional<ExitStatus>> reap(const Process& process) {
  siginfo_t info{};
  if (::waitid(static_cast<idtype_t>(3) /* P_PIDFD */, static_cast<id_t>(process.pidfd.get()),
               &info, WEXITED | WNOHANG) != 0) {
    // Somebody else reaped it: it is gone, but how is not known any more.
    if (errno == ECHILD) return std::optional(ExitStatus{-1, 0});
    return system_error("cannot ask how process " + std::to_string(process.pid) + " ended");
  }
  if (info.si_pid == 0) return std::optional<ExitStatus>{};
  if (info.si_code == CLD_EXITED) return std::optional(ExitStatus{info.si_status, 0});
  return std::optional(ExitStatus{0, info.si_status});
}

// The 22nd field; the second, a name in brackets, may hold anything.
Result<double> started_at(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> text{};
  const ssize_t got = file ? ::read(file.get(), text.data(), text.size() - 1) : -1;
  if (got <= 0) return system_error("cannot read `" + path + "`");
  const char* next = std::strrchr(text.data(), ')');
  for (int field = 2; next != nullptr && field < 22; ++field) next = std::strchr(next + 1, ' ');
  if (next == nullptr) return Error{ErrorCode::System, "`" + path + "` has no time of start"};
  const auto ticks = static_cast<double>(std::strtoull(next + 1, nullptr, 10));
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

namespace {

std::string start_of_file(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> text;
  const ssize_t got = fd ? ::read(fd.get(), text.data(), text.size()) : 0;
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

}  // namespace

bool is_stopped(pid_t pid) {
  const std::string stat = start_of_file("/proc/" + std::to_string(pid) + "/stat");
  // The name in brackets may hold anything, so what counts comes after it.
  const auto bracket = stat.rfind(')');
  return bracket != std::string::npos && stat.compare(bracket, 3, ") T") == 0;
}

std::uint64_t resident_bytes(pid_t pid) {
  const std::string statm = start_of_file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t size = 0, resident = 0;
  if (std::sscanf(statm.c_str(), "%" SCNu64 " %" SCNu64, &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string describe(const ExitStatus& exit) {
  if (exit.signal != 0) {
    return "was killed by signal " + std::to_string(exit.signal) + " (" + ::strsignal(exit.signal) +
           ")";
  }
  if (exit.status < 0) return "ended, and how is not known";
  return "ended with status " + std::to_string(exit.status);
}

// What _exit() does. By that name R CMD check would take it for the end of the
// user's R, which no caller of this ever runs in.
void end_this_process(int status) {
  for (;;) ::syscall(SYS_exit_group, status);
}

Error become(const std::string& program, const std::vector<std::string>& arguments,
             const std::vector<std::string>& environment) {
  for (const auto& entry : environment) {
    const auto equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
  }
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const auto pointers_to_words = pointers(words);
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execv(program.c_str(), pointers_to_words.data());
  return system_error("cannot become `" + program + "`");
}

std::vector<std::string> current_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.emplace_back(*entry);
  return out;
}

#ifdef PR_SET_MM_MAP
// The kernel takes the whole description of a process's memory at once, so all but
// two numbers are those that it tells itself. No privilege is needed for that.
bool show_environment(const std::vector<std::string>& entries) {
  static std::string shown;  // read by others as long as the process lives
  const std::string stat = start_of_file("/proc/self/stat");
  const auto bracket = stat.rfind(')');
  if (bracket == std::string::npos) return false;
  const char* next = stat.c_str() + bracket + 4;  // after the state
  std::array<std::uint64_t, 50> field{};          // numbered as in proc(5)
  for (std::size_t i = 4; i < field.size(); ++i) {
    char* end = nullptr;
    field[i] = std::strtoull(next, &end, 10);  // one below zero: not among those used
    if (end == next) return false;
    next = end;
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
