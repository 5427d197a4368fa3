// Processes watched by kqueue, on the BSDs and macOS: any process, without a thread.
// The descriptor of a queue is itself one to poll; it stays in its process: it cannot
// be sent, and a fork does not have it. So who tells others of its end, or of a child's
// that it forks, holds a lifeline (os/portable/); what is here replaces the thread.
#include <sys/types.h>
// After the types that it needs.
#include <sys/event.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "engine/os/portable/portable.h"
#include "engine/os/process.h"

namespace elsewhere {
namespace {

bool tells_of_end(int queue, pid_t pid) {
  struct kevent wanted {};
  EV_SET(&wanted, static_cast<uintptr_t>(pid), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, nullptr);
  return ::kevent(queue, &wanted, 1, nullptr, 0, nullptr) == 0;
}

}  // namespace

// The kernel reports a process that has ended and was not reaped as one that is not
// there: for a child that is its end, which a thread would have seen at once.
Result<Fd> watch_process(pid_t pid) {
  Fd queue(::kqueue());
  if (!queue) return system_error("cannot make a queue for the end of a process");
  if (tells_of_end(queue.get(), pid)) return queue;
  if (errno == ESRCH) return portable::watch_child(pid);
  return system_error("cannot watch process " + std::to_string(pid));
}

Result<Process> watch_parent() {
  const pid_t parent = ::getppid();
  auto watch = watch_process(parent);
  if (::getppid() != parent) return Error{ErrorCode::Closed, "the owner is gone"};
  if (!watch.ok()) return watch.error();
  return Process{parent, std::move(watch.value())};
}

}  // namespace elsewhere
