#include "bridge/task_handle.h"

#include <cstdint>
#include <string>

#include "bridge/guard.h"
#include "bridge/process_engine.h"

namespace elsewhere {
namespace {

// Posts and returns: it can run inside any allocation.
void forget_task(SEXP handle) {
  const auto number = reinterpret_cast<std::uint64_t>(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
  Engine* running = engine_if_running();
  if (running != nullptr && number != 0) running->forget_later(TaskId{number});
}

SEXP handle_to_r(MainThread& main, std::uint64_t number, R_CFinalizer_t finalize) {
  return r_call(main, [&] {
    SEXP handle =
        PROTECT(R_MakeExternalPtr(reinterpret_cast<void*>(number), handle_tag(), R_NilValue));
    if (finalize != nullptr) R_RegisterCFinalizer(handle, finalize);
    UNPROTECT(1);
    return handle;
  });
}

std::uint64_t handle_number(SEXP handle, const char* what) {
  const auto number =
      TYPEOF(handle) == EXTPTRSXP ? reinterpret_cast<std::uint64_t>(R_ExternalPtrAddr(handle)) : 0;
  if (number == 0) {
    throw EngineError({ErrorCode::Closed, std::string("this ") + what +
                                              " belongs to another R process, or was saved and "
                                              "loaded: it cannot be used here"});
  }
  return number;
}

}  // namespace

SEXP pool_handle(MainThread& main, PoolId pool) {
  return handle_to_r(main, static_cast<std::uint64_t>(pool), nullptr);
}

SEXP task_handle(MainThread& main, TaskId task) {
  return handle_to_r(main, static_cast<std::uint64_t>(task), forget_task);
}

PoolId pool_from(SEXP handle) { return PoolId{handle_number(handle, "pool")}; }
TaskId task_from(SEXP handle) { return TaskId{handle_number(handle, "task")}; }

void forget_task_of(MainThread& main, SEXP handle) {
  const TaskId task = task_from(handle);
  R_ClearExternalPtr(handle);
  engine(main).forget(task);
}

std::optional<SEXP> submit_task(MainThread& main, PoolId pool, SEXP payload,
                                const TaskOptions& options, OnReference policy) {
  Engine& running = engine(main);
  Parcel parcel;
  try {
    parcel = to_parcel(main, payload, policy);
  } catch (const EngineError& error) {
    // The caller knows best what to say.
    if (error.code() == ErrorCode::CannotTravel) return {};
    throw;
  }
  // The handle comes first: were it to fail after submit(), nobody would own
  // the task.
  SEXP handle = PROTECT(handle_to_r(main, 0, forget_task));
  const TaskId task = running.submit(pool, std::move(parcel), options);
  R_SetExternalPtrAddr(handle, reinterpret_cast<void*>(static_cast<std::uint64_t>(task)));
  UNPROTECT(1);
  return handle;
}

}  // namespace elsewhere
