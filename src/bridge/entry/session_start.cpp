#include <signal.h>

#include <cmath>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "bridge/session_handle.h"
#include "bridge/session_nurseries.h"
#include "engine/os/process_facts.h"
#include "engine/os/temporary_directory.h"

namespace elsewhere {
namespace {

bool signal_session(const Process& process, int number, bool whole_group) {
  const bool is_there = or_throw(send_signal(process, whole_group ? 0 : number));
  // It leads its group; the number is its own as long as it is not collected.
  return is_there && (!whole_group || ::kill(-process.pid, number) == 0);
}

// Sessions with the same key may be forked by the same nursery: R, the loader and
// the libraries have read the same at their start. What else differs is set after
// the fork. `key` holds what R's side has found.
std::string full_key(std::string key, const LaunchSpec& spec) {
  for (const auto& words : {spec.arguments, read_at_start(spec.environment)}) {
    for (const auto& word : words) key.append("\n").append(word);
  }
  return key;
}

}  // namespace

// c(descriptor that a stand-in needs to have its session forked, number of the
// request); NULL when the session is to be started without. `functions` are those
// of R/worker-session.R, serialized; `channel` is the number of the session's end
// of its channel; `own_environment` is the session's, `environment` that of a
// nursery.
extern "C" SEXP ew_session_fork(SEXP session, SEXP key, SEXP program, SEXP arguments,
                                SEXP environment, SEXP functions, SEXP channel, SEXP directory,
                                SEXP own_environment) {
  return guard([&](MainThread& main) {
    if (TYPEOF(functions) != RAWSXP) {
      throw EngineError({ErrorCode::Bug, "the functions of a session come as bytes"});
    }
    const std::span bytes(RAW(functions), static_cast<std::size_t>(Rf_xlength(functions)));
    const LaunchSpec spec{string_from(main, program), strings_from(main, arguments),
                          strings_from(main, environment)};
    SessionRequest request{kNoTask, int_from(main, channel), string_from(main, directory),
                           strings_from(main, own_environment)};
    auto asked = or_throw(session_nurseries().fork_session(
        full_key(string_from(main, key), spec), spec, std::as_bytes(bytes), std::move(request)));
    if (!asked.joint) return R_NilValue;
    session_from(main, session).has_asked(asked.request);
    SEXP out = r_call(main, [&] { return Rf_allocVector(REALSXP, 2); });
    REAL(out)[0] = asked.joint.release();
    REAL(out)[1] = static_cast<double>(number(asked.request));
    return out;
  });
}

// c(pid, seconds that it started after its stand-in) of a session that a nursery
// has forked; NULL when it has not, or nobody can say; FALSE when the nursery has
// not answered within `patience` seconds.
extern "C" SEXP ew_session_process(SEXP session, SEXP request, SEXP stand_in, SEXP patience) {
  return guard([&](MainThread& main) {
    SessionLink& link = session_from(main, session);
    const TaskId asked{static_cast<std::uint64_t>(number_from(main, request))};
    const std::chrono::milliseconds limit(std::lround(number_from(main, patience) * 1000));
    const auto deadline = deadline_in(limit);
    for (;;) {
      auto process = session_nurseries().forked(asked, deadline);
      if (process.ok()) {
        if (process.value()) link.is_forked(std::move(*process.value()));
        break;
      }
      if (process.error().code == ErrorCode::TimedOut) {
        return r_call(main, [] { return Rf_ScalarLogical(FALSE); });
      }
      if (process.error().code != ErrorCode::Interrupted) throw EngineError(process.error());
    }
    const Process* process = link.forked_process();
    if (process == nullptr) return R_NilValue;
    const auto own = started_at(process->pid);
    const auto of_stand_in = started_at(int_from(main, stand_in));
    const double later = own.ok() && of_stand_in.ok() ? own.value() - of_stand_in.value() : 0;
    return r_call(main, [&] {
      SEXP out = Rf_allocVector(REALSXP, 2);
      REAL(out)[0] = process->pid;
      REAL(out)[1] = later;
      return out;
    });
  });
}

// NULL for a session that no nursery has forked.
extern "C" SEXP ew_session_signal(SEXP session, SEXP signal, SEXP whole_group) {
  return guard([&](MainThread& main) {
    const Process* process = session_from(main, session).forked_process();
    if (process == nullptr) return R_NilValue;
    const bool is_sent =
        signal_session(*process, int_from(main, signal), flag_from(main, whole_group));
    return r_call(main, [&] { return Rf_ScalarLogical(is_sent); });
  });
}

// Makes the temporary directory of a session in the first of `parents` that takes
// one; NULL if none does.
extern "C" SEXP ew_session_directory(SEXP parents) {
  return guard([&](MainThread& main) {
    const auto made = make_temporary_directory(strings_from(main, parents));
    if (!made.ok()) return R_NilValue;
    return r_call(main, [&] { return Rf_mkString(made.value().c_str()); });
  });
}

extern "C" SEXP ew_session_nurseries() {
  return guard([&](MainThread& main) {
    const auto pids = session_nurseries().pids();
    return r_call(main, [&] {
      SEXP out = Rf_allocVector(INTSXP, static_cast<R_xlen_t>(pids.size()));
      for (std::size_t i = 0; i < pids.size(); ++i) INTEGER(out)[i] = pids[i];
      return out;
    });
  });
}

extern "C" SEXP ew_session_nurseries_stop() {
  return guard([&](MainThread&) {
    session_nurseries().stop();
    return R_NilValue;
  });
}

}  // namespace elsewhere
