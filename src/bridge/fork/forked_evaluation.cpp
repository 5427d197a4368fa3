#include "bridge/fork/forked_evaluation.h"

#include <poll.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "bridge/front_end.h"
#include "bridge/guard.h"
#include "bridge/interrupts.h"
#include "bridge/output_capture.h"
#include "bridge/reference_search.h"
#include "bridge/serialize.h"

// After the standard library: R's header declares with C names.
#include <R_ext/GraphicsEngine.h>

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
  std::unique_ptr<HeldTask> task;
  SEXP function;  // preserved: another attempt in a fork needs it
};

// In the external pointer, beside the tag of all handles: it is a held task's.
SEXP held_mark() {
  static const SEXP mark = Rf_install("elsewhere_held");
  return mark;
}

// The handle comes first: were it to fail after the start, nobody would own what
// was started.
SEXP empty_handle(MainThread& main, SEXP function, R_CFinalizer_t drop) {
  return r_call(main, [&] {
    SEXP made = PROTECT(R_MakeExternalPtr(nullptr, handle_tag(), held_mark()));
    R_PreserveObject(function);
    R_RegisterCFinalizerEx(made, drop, FALSE);
    UNPROTECT(1);
    return made;
  });
}

// Of quit() in the child.
extern "C" void end_child(int status) {
  flush_streams();
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
  front_end().become_fork(end_child);
  take_interrupts();
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
  SEXP handle = empty_handle(main, function, drop_task);
  auto held = std::make_unique<Handle>(Handle{nullptr, function});
  R_SetExternalPtrAddr(handle, held.get());
  Handle* here = held.release();
  PROTECT(handle);
  (void)front_end();  // is loaded here: where it is missing, nothing is forked
  auto task = ForkedTask::start(
      options, [function](ForkedChild& link) { evaluate_in_child(function, link); });
  UNPROTECT(1);
  here->task = or_throw(std::move(task));
  return handle;
}

SEXP hold_task(MainThread& main, const std::function<std::unique_ptr<HeldTask>()>& start) {
  SEXP handle = PROTECT(empty_handle(main, R_NilValue, drop_task));
  auto held = std::make_unique<Handle>(Handle{start(), R_NilValue});
  R_SetExternalPtrAddr(handle, held.release());
  UNPROTECT(1);
  return handle;
}

HeldTask* held_task(SEXP handle) {
  if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrProtected(handle) != held_mark()) return nullptr;
  const auto* held = static_cast<Handle*>(R_ExternalPtrAddr(handle));
  if (held == nullptr || held->task == nullptr || held->task->is_copy()) {
    throw EngineError({ErrorCode::Closed,
                       "this task belongs to another R process, or was saved and loaded: it "
                       "cannot be used here"});
  }
  return held->task.get();
}

void reply_from_fork(MainThread& main, SEXP value, bool refuses_references) {
  if (!is_child()) {
    throw EngineError({ErrorCode::BadArgument, "this R process is not a fork for a future"});
  }
  Child& here = child();
  try {
    here.reply =
        to_parcel(main, value, refuses_references ? OnReference::Refuse : OnReference::Allow);
    here.has_reply = true;
  } catch (const EngineError& error) {
    const bool is_refused = error.code() == ErrorCode::CannotTravel;
    here.failure = is_refused ? refusal_of(main, value) : error.what();
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

std::vector<int> descriptors_of(const std::vector<HeldTask*>& tasks) {
  std::vector<int> out;
  for (const HeldTask* task : tasks) {
    const auto some = task->descriptors();
    out.insert(out.end(), some.begin(), some.end());
  }
  return out;
}

}  // namespace elsewhere
