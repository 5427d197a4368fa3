#include "bridge/fork/forked_evaluation.h"

#include <poll.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "bridge/guard.h"
#include "bridge/serialize.h"

// After the standard library: R's header declares with C names.
#include <R_ext/GraphicsEngine.h>
#define R_INTERFACE_PTRS
#include <Rinterface.h>

extern "C" int R_isForkedChild;

namespace elsewhere {
namespace {

// What a child knows of itself.
struct Child {
  ForkedChild* link = nullptr;
  pid_t pid = -1;
  bool has_reply = false;
  bool has_failed = false;
  Parcel reply;
  std::string failure;
};

Child& child() {
  static Child here;
  return here;
}

bool is_child() { return child().link != nullptr && child().pid == ::getpid(); }

// What the external pointer of a task leads to.
struct Handle {
  std::unique_ptr<ForkedTask> task;
  SEXP function;  // another attempt needs it; preserved
};

// In the external pointer, beside the tag of all handles: it is a fork's.
SEXP fork_mark() {
  static const SEXP mark = Rf_install("elsewhere_fork");
  return mark;
}

// quit() in the child must neither run the owner's exit code nor remove its
// temporary directory.
void end_child(SA_TYPE, int status, int) {
  std::fflush(stdout);
  std::fflush(stderr);
  end_this_process(status);
}

void call_function(void* function) {
  SEXP call = PROTECT(Rf_lang1(static_cast<SEXP>(function)));
  Rf_eval(call, R_GlobalEnv);
  UNPROTECT(1);
}

// The owner's frames and handlers are below on the stack, but R_ToplevelExec()
// hides them: no error or restart of the task reaches them.
void evaluate_in_child(SEXP function, ForkedChild& link) {
  Child& here = child();
  here.link = &link;
  here.pid = ::getpid();
  R_isForkedChild = 1;
  ptr_R_CleanUp = end_child;
  R_interrupts_pending = 0;
  R_interrupts_suspended = FALSE;
  (void)R_ToplevelExec(call_function, function);
  if (here.has_failed) {
    link.send_failure(here.failure);
  } else if (here.has_reply) {
    link.send_value(here.reply);
  } else {
    link.send_aborted();
  }
}

// Finalizers run inside any allocation; what this does is a few system calls.
void drop_task(SEXP handle) {
  auto* held = static_cast<Handle*>(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
  if (held == nullptr) return;
  R_ReleaseObject(held->function);
  delete held;
}

}  // namespace

SEXP start_fork(MainThread& main, SEXP function, const ForkedTask::Options& options) {
  // The handle comes first: were it to fail after the fork, nobody would own it.
  SEXP handle = r_call(main, [&] {
    SEXP made = PROTECT(R_MakeExternalPtr(nullptr, handle_tag(), fork_mark()));
    R_PreserveObject(function);
    R_RegisterCFinalizerEx(made, drop_task, FALSE);
    UNPROTECT(1);
    return made;
  });
  auto held = std::make_unique<Handle>(Handle{nullptr, function});
  R_SetExternalPtrAddr(handle, held.get());
  Handle* here = held.release();
  PROTECT(handle);
  auto task = ForkedTask::start(
      options, [function](ForkedChild& link) { evaluate_in_child(function, link); });
  UNPROTECT(1);
  here->task = or_throw(std::move(task));
  return handle;
}

ForkedTask* forked_task(SEXP handle) {
  if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrProtected(handle) != fork_mark()) return nullptr;
  const auto* held = static_cast<Handle*>(R_ExternalPtrAddr(handle));
  if (held == nullptr || held->task == nullptr || held->task->is_copy()) {
    throw EngineError({ErrorCode::Closed,
                       "this task belongs to another R process, or was saved and loaded: it "
                       "cannot be asked for anything here"});
  }
  return held->task.get();
}

void reply_from_fork(MainThread& main, SEXP value, bool refuses_references) {
  if (!is_child()) {
    throw EngineError({ErrorCode::BadArgument, "this R process is no fork that could reply"});
  }
  Child& here = child();
  try {
    here.reply =
        to_parcel(main, value, refuses_references ? OnReference::Refuse : OnReference::Allow);
    here.has_reply = true;
  } catch (const EngineError& error) {
    here.failure = error.what();
    here.has_failed = true;
  } catch (const cpp11::unwind_exception&) {
    here.failure = R_curErrorBuf();
    here.has_failed = true;
    throw;
  }
}

bool emit_from_fork(MainThread& main, SEXP condition) {
  if (!is_child()) return false;
  child().link->send_event(to_parcel(main, condition, OnReference::Allow));
  return true;
}

std::vector<int> descriptors_of(const std::vector<ForkedTask*>& tasks) {
  std::vector<int> out;
  for (const ForkedTask* task : tasks) {
    if (task->state() == TaskState::Settled) continue;
    out.push_back(task->channel_fd());
    out.push_back(task->process_fd());
  }
  return out;
}

}  // namespace elsewhere
