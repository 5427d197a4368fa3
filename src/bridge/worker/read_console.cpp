// R's console reader in a worker process, and the decision what the process is.
#include <dlfcn.h>
#include <pthread.h>

#include "bridge/front_end.h"
#include "bridge/guard.h"
#include "bridge/interrupts.h"
#include "bridge/worker/arrival.h"
#include "bridge/worker/clean_up.h"
#include "bridge/worker/nursery_main.h"
#include "bridge/worker/relay_main.h"
#include "bridge/worker/worker_main.h"
#include "engine/os/process.h"

// After the standard library: R's header declares with C names.
#include <R_ext/Print.h>

namespace elsewhere {
namespace {

WorkerMain* worker_of_this_process = nullptr;

// The one place where a booted process takes its role, the first time R wants a
// line. A process that forks workers, or stands between one and an owner far
// away, returns from here in its children only.
bool take_role() {
  Role role;
  if (is_nursery()) {
    auto forked = serve_forks(worker_of_this_process->functions());
    if (!forked.ok()) {
      REprintf("elsewhere: %s\n", forked.error().message.c_str());
      return false;
    }
    role = std::move(forked.value());
  }
  if (is_relay()) {
    const auto forked = serve_far_owner();
    if (!forked.ok()) {
      REprintf("elsewhere: %s\n", forked.error().message.c_str());
      return false;
    }
  }
  const auto status = worker_of_this_process->become_worker(std::move(role.owners));
  if (status.ok()) return true;
  REprintf("elsewhere: %s\n", status.error().message.c_str());
  return false;
}

WorkerMain::Next next_line(unsigned char* buffer, int buffer_bytes) noexcept {
  if (!worker_of_this_process->is_started() && !take_role()) return WorkerMain::Next::EndOfFile;
  return worker_of_this_process->next_line(buffer, buffer_bytes);
}

// R calls this from C frames; it holds nothing when it jumps.
extern "C" int read_console(const char*, unsigned char* buffer, int buffer_bytes, int) {
  switch (next_line(buffer, buffer_bytes)) {
    case WorkerMain::Next::Line: return 1;
    case WorkerMain::Next::EndOfFile: return 0;
    case WorkerMain::Next::DropExpression: front_end().drop_expression();
  }
  return 0;
}

constexpr elsewhere_console kConsole{read_console, ends_plainly, remove_own_directory};

void in_forked_child() {
  if (worker_of_this_process != nullptr) worker_of_this_process->forget_channel();
}

// library(elsewhere) in the worker loads this file again, and R unloads it
// before it does. The console reader must stay where it is.
void stay_in_memory() {
  Dl_info about;
  if (::dladdr(reinterpret_cast<void*>(&read_console), &about) != 0) {
    ::dlopen(about.dli_fname, RTLD_NOW | RTLD_NODELETE);
  }
}

}  // namespace

WorkerMain* this_worker() { return worker_of_this_process; }

void boot_worker(MainThread&, std::unique_ptr<WorkerMain> worker) {
  stay_in_memory();
  take_interrupts();
  worker_of_this_process = worker.release();  // lives as long as the process
  if (!is_nursery() && !is_relay()) or_throw(worker_of_this_process->watch_owner());
  ::pthread_atfork(nullptr, nullptr, in_forked_child);
  front_end().take_console(&kConsole);
}

}  // namespace elsewhere
