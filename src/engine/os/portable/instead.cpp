// A build for ELSEWHERE_OS=portable: what os/ promises is done by os/portable/ alone.
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/os/memory_file.h"
#include "engine/os/portable/portable.h"
#include "engine/os/posix/system.h"
#include "engine/os/socket.h"

#include "engine/os/portable/poison.h"

namespace elsewhere {

namespace system {

Result<std::pair<Fd, Fd>> pipe_pair() { return portable::pipe_pair(); }
ssize_t send_message(int fd, const msghdr& message) { return portable::send_message(fd, message); }
ssize_t receive_message(int fd, msghdr& message) { return portable::receive_message(fd, message); }
Result<std::pair<Fd, Fd>> wakeup_ends() { return portable::wakeup_ends(); }
void add_close_from(posix_spawn_file_actions_t& actions, int first) {
  portable::add_close_from(actions, first);
}
void close_on_exec_from(int first) { portable::close_on_exec_from(first); }

void name_this_thread([[maybe_unused]] const char* name) {
#ifdef __APPLE__
  ::pthread_setname_np(name);
#elif defined(__GLIBC__) || defined(__FreeBSD__)
  ::pthread_setname_np(::pthread_self(), name);
#endif
}

}  // namespace system

Result<std::pair<Fd, Fd>> socket_pair() { return portable::socket_pair(); }

// What lies in the sender's buffer, where a local socket has one of its own.
std::size_t unread_bytes(int fd) {
  int count = 0;
  if (::ioctl(fd, TIOCOUTQ, &count) != 0) return 0;
  return static_cast<std::size_t>(count);
}

Result<Fd> memory_file(const char*) { return portable::memory_file(); }

Result<Process> fork_process() { return portable::fork_process(); }
Result<std::optional<ExitStatus>> reap(const Process& process) {
  return portable::reap(process.pid);
}

void end_this_process(int status) { ::_exit(status); }
bool tell_status_at_exit(void (*)(int, void*), void*) { return false; }
void end_with_parent() {}
bool show_environment(const std::vector<std::string>&) { return false; }

void clear_environment() {
  for (const auto& entry : current_environment()) {
    ::unsetenv(entry.substr(0, entry.find('=')).c_str());
  }
}

}  // namespace elsewhere
