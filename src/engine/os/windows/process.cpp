// As much of os/process.h and os/process_facts.h as a task needs whose process somebody
// else has started.
#include "engine/os/process.h"

#include <windows.h>

#include "engine/os/process_facts.h"
#include "engine/os/signal.h"

namespace elsewhere {

Pid this_process() { return static_cast<Pid>(::GetCurrentProcessId()); }

// No signal reaches another process on Windows; it can only be ended.
Result<bool> send_signal(const Process& process, int signal) {
  if (signal != kKillSignal) {
    return Error{ErrorCode::System,
                 "Windows has no signal " + std::to_string(signal) + " for another process"};
  }
  const HANDLE handle = ::OpenProcess(PROCESS_TERMINATE, FALSE, static_cast<DWORD>(process.pid));
  if (handle == nullptr) return false;
  const bool is_ended = ::TerminateProcess(handle, kKillSignal) != 0;
  ::CloseHandle(handle);
  return is_ended;
}

// Nothing stops a process there.
bool is_stopped(Pid) { return false; }

}  // namespace elsewhere
