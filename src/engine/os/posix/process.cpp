#include "engine/os/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "engine/os/bare.h"
#include "engine/os/portable/portable.h"
#include "engine/os/posix/system.h"

static_assert(std::is_same_v<elsewhere::Pid, pid_t>);

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to us

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
  system::add_close_from(options.actions, highest + 1);

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
  auto watch = watch_process(pid);
  if (!watch.ok()) {
    portable::undo(pid);
    return watch.error();
  }
  return Process{pid, std::move(watch.value())};
}

Result<Fd> watch_this_process() {
  int held = -1;
  Fd watch(bare::watch_of_this_process(held));
  if (!watch) return system_error("cannot make a descriptor that watches this process");
  if (held >= 0) portable::hold(Fd(held));
  return watch;
}

Result<bool> send_signal(const Process& process, int signal) {
  const int failure = bare::send_signal(process.watch.get(), process.pid, signal);
  if (failure == 0) return true;
  if (failure == ESRCH) return false;
  errno = failure;
  return system_error("cannot send signal " + std::to_string(signal) + " to process " +
                      std::to_string(process.pid));
}

void kill_group(const Process& process) {
  if (process.pid <= 1) return;  // below zero it would be everybody's
  ::kill(-process.pid, SIGKILL);
  (void)send_signal(process, SIGKILL);
}

void kill_this_group() {
  if (::getpgrp() == ::getpid()) ::kill(0, SIGKILL);
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();  // the signal is on its way
}

Pid this_process() { return ::getpid(); }
Pid parent_process() { return ::getppid(); }
void in_each_fork(void (*job)()) { ::pthread_atfork(nullptr, nullptr, job); }
void lead_group(Pid pid) { ::setpgid(pid, pid); }
void lead_session() { ::setsid(); }

bool is_there(Pid pid, Pid parent) {
  if (pid == parent) return ::getppid() == parent;
  return ::kill(pid, 0) == 0 || errno != ESRCH;
}

std::string describe(const ExitStatus& exit) {
  if (exit.signal != 0) {
    return "was killed by signal " + std::to_string(exit.signal) + " (" + ::strsignal(exit.signal) +
           ")";
  }
  if (exit.status < 0) return "ended, and how is not known";
  return "ended with status " + std::to_string(exit.status);
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
  system::close_on_exec_from(3);
  ::execv(program.c_str(), pointers_to_words.data());
  return system_error("cannot become `" + program + "`");
}

std::vector<std::string> current_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    out.emplace_back(*entry);
  }
  return out;
}

}  // namespace elsewhere
