// Tasks in forks of this process. What is asked of them afterwards goes through
// the entries of pool.cpp, as for every task.
#include "bridge/fork/forked_evaluation.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "engine/os/library_threads.h"
#include "engine/os/process.h"
#include "engine/os/socket.h"

namespace elsewhere {

extern "C" SEXP ew_fork_start(SEXP function, SEXP retries, SEXP timeout) {
  return guard([&](MainThread& main) {
    return start_fork(main, function, {int_from(main, retries), seconds_from(main, timeout)});
  });
}

extern "C" SEXP ew_fork_reply(SEXP value, SEXP refuse_references) {
  return guard([&](MainThread& main) {
    reply_from_fork(main, value, flag_from(main, refuse_references));
    return R_NilValue;
  });
}

extern "C" SEXP ew_fork_emit(SEXP condition) {
  return guard([&](MainThread& main) {
    const bool is_sent = emit_from_fork(main, condition);
    return r_call(main, [&] { return Rf_ScalarLogical(is_sent); });
  });
}

// Leads to `task` as long as somebody else holds it.
extern "C" SEXP ew_weak_reference(SEXP task) {
  return guard([&](MainThread& main) {
    return r_call(main, [&] { return R_MakeWeakRef(task, R_NilValue, R_NilValue, FALSE); });
  });
}

// What a weak reference leads to, or NULL.
extern "C" SEXP ew_weak_value(SEXP reference) {
  return guard(
      [&](MainThread& main) { return r_call(main, [&] { return R_WeakRefKey(reference); }); });
}

extern "C" SEXP ew_fork_is(SEXP task) {
  return guard([&](MainThread& main) {
    const bool is_fork = held_task(task) != nullptr;
    return r_call(main, [&] { return Rf_ScalarLogical(is_fork); });
  });
}

// Before code of this process computes: how many threads libraries may use.
extern "C" SEXP ew_threads_limit(SEXP count) {
  return guard([&](MainThread& main) {
    limit_library_threads(int_from(main, count));
    return R_NilValue;
  });
}

// The process that runs a task of which the engine does not know.
extern "C" SEXP ew_task_pid(SEXP task) {
  return guard([&](MainThread& main) {
    const HeldTask* held = held_task(task);
    const int pid = held != nullptr && held->pid() > 0 ? held->pid() : NA_INTEGER;
    return r_call(main, [&] { return Rf_ScalarInteger(pid); });
  });
}

// A descriptor that is readable when the task is to be looked at: its channel,
// or, when that is closed, its process. The caller closes it by
// ew_fork_forget(). -1 once the task has settled.
extern "C" SEXP ew_fork_watch(SEXP task) {
  return guard([&](MainThread& main) {
    const HeldTask* fork = held_task(task);
    int copy = -1;
    const auto watched = fork != nullptr ? fork->descriptors() : std::vector<int>{};
    if (!watched.empty()) copy = or_throw(duplicate(watched[0])).release();
    return r_call(main, [&] { return Rf_ScalarInteger(copy); });
  });
}

// The same for any child process of this one that has not been reaped: readable
// once it has ended.
extern "C" SEXP ew_process_watch(SEXP pid) {
  return guard([&](MainThread& main) {
    const int descriptor = or_throw(watch_process(int_from(main, pid))).release();
    return r_call(main, [&] { return Rf_ScalarInteger(descriptor); });
  });
}

// Descriptors of R's own socket connections, which R does not name: those with this
// port at one end (PortOf) that cannot be read now.
extern "C" SEXP ew_socket_find(SEXP port, SEXP end) {
  return guard([&](MainThread& main) {
    const auto wanted = static_cast<std::uint16_t>(int_from(main, port));
    const auto found = quiet_tcp_sockets(wanted, static_cast<PortOf>(int_from(main, end)));
    return r_call(main, [&] {
      SEXP out = Rf_allocVector(INTSXP, static_cast<R_xlen_t>(found.size()));
      std::copy(found.begin(), found.end(), INTEGER(out));
      return out;
    });
  });
}

extern "C" SEXP ew_fork_forget(SEXP descriptor) {
  return guard([&](MainThread& main) {
    const int number = int_from(main, descriptor);
    if (number >= 0) ::close(number);
    return R_NilValue;
  });
}

// How many forks have settled but not ended.
extern "C" SEXP ew_fork_leaving() {
  return guard([&](MainThread& main) {
    const auto count = static_cast<int>(reap_forked_children());
    return r_call(main, [&] { return Rf_ScalarInteger(count); });
  });
}

}  // namespace elsewhere
