// The short way of a trivial future, in few calls and with few objects: made, sent
// and taken here. Whatever needs a closer look is left to R/launch.R.
#include <chrono>
#include <cstring>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/fork/forked_evaluation.h"
#include "bridge/guard.h"
#include "bridge/process_engine.h"
#include "bridge/serialize.h"
#include "bridge/task_handle.h"

namespace elsewhere {
namespace {

// Names of fields, and values that all futures share.
struct Words {
  SEXP expr, settings, state, number, owner, task, start, outcome, backend;
  SEXP globals, packages, namespaces, shadowed, seed, map;
  SEXP created, running, finished;
};

SEXP shared_string(const char* text) {
  SEXP out = Rf_mkString(text);
  R_PreserveObject(out);
  return out;
}

const Words& words(MainThread& main) {
  static const Words made = r_call(main, [] {
    Words w{};
    w.expr = Rf_install("expr");
    w.settings = Rf_install("settings");
    w.state = Rf_install("state");
    w.number = Rf_install("number");
    w.owner = Rf_install("owner");
    w.task = Rf_install("task");
    w.start = Rf_install("start");
    w.outcome = Rf_install("outcome");
    w.backend = Rf_install("backend");
    w.globals = Rf_install("globals");
    w.packages = Rf_install("packages");
    w.namespaces = Rf_install("namespaces");
    w.shadowed = Rf_install("shadowed");
    w.seed = Rf_install("seed");
    w.map = Rf_install("map");
    w.created = shared_string("created");
    w.running = shared_string("running");
    w.finished = shared_string("finished");
    return w;
  });
  return made;
}

// The value of a field; nil when there is none.
SEXP field_of(SEXP future, SEXP name) {
  SEXP value = Rf_findVarInFrame(future, name);
  return value == R_UnboundValue ? R_NilValue : value;
}

bool is_string(SEXP value, const char* text) {
  return TYPEOF(value) == STRSXP && Rf_xlength(value) == 1 &&
         std::strcmp(CHAR(STRING_ELT(value, 0)), text) == 0;
}

SEXP element(SEXP list, const char* name) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  for (R_xlen_t i = 0; i < Rf_xlength(names); ++i) {
    if (std::strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return VECTOR_ELT(list, i);
  }
  return R_NilValue;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// What evaluate() answers when there is a value and nothing to relay.
bool is_quiet(SEXP result) {
  static constexpr const char* kNames[] = {"value", "visible", "times"};
  if (TYPEOF(result) != VECSXP || Rf_xlength(result) != 3) return false;
  SEXP names = Rf_getAttrib(result, R_NamesSymbol);
  if (TYPEOF(names) != STRSXP) return false;
  for (int i = 0; i < 3; ++i) {
    if (std::strcmp(CHAR(STRING_ELT(names, i)), kNames[i]) != 0) return false;
  }
  return true;
}

// How far a future is, for ew_futures_settled(); R/resolve.R and R/value-list.R
// have the numbers as well.
enum Settled {
  kNotStartedElsewhere = -3,
  kNotStarted = -2,
  kHasEvents = -1,
  kRuns = 0,
  kQuiet = 1,
  kToLookAt = 2
};

Settled look_at(MainThread& main, SEXP future, SEXP owner) {
  if (TYPEOF(future) != ENVSXP || !Rf_inherits(future, "elsewhere_future")) return kToLookAt;
  if (Rf_inherits(future, "DroppedFuture")) return kToLookAt;
  const Words& name = words(main);
  const SEXP outcome = field_of(future, name.outcome);
  if (outcome != R_NilValue) return is_quiet(outcome) ? kQuiet : kToLookAt;
  const SEXP state = field_of(future, name.state), task = field_of(future, name.task);
  if (task == R_NilValue) {
    if (!is_string(state, "created")) return kToLookAt;
    return field_of(future, name.backend) == R_NilValue ? kNotStarted : kNotStartedElsewhere;
  }
  // One of another process is for value() to refuse.
  if (!R_compute_identical(field_of(future, name.owner), owner, 16)) return kToLookAt;
  if (ForkedTask* fork = forked_task(task)) {
    fork->look();
    if (fork->state() == TaskState::Settled) return kToLookAt;
    return fork->has_events() ? kHasEvents : kRuns;
  }
  const TaskView seen = engine(main).view(task_from(task));
  if (seen.state != TaskState::Settled) return seen.has_events ? kHasEvents : kRuns;
  if (seen.has_events || seen.outcome->kind != OutcomeKind::Value || !is_string(state, "running")) {
    return kToLookAt;
  }
  SEXP result = PROTECT(from_parcel(main, seen.outcome->value));
  const bool is_plain = is_quiet(result);
  if (is_plain) {
    r_call(main, [&] {
      Rf_defineVar(name.outcome, result, future);
      Rf_defineVar(name.state, name.finished, future);
      Rf_defineVar(name.task, R_NilValue, future);
    });
    forget_task_of(main, task);
  }
  UNPROTECT(1);
  return is_plain ? kQuiet : kToLookAt;
}

}  // namespace

// An environment of class `classes` with the fields that every future has, and
// those of `needs` that are not empty.
extern "C" SEXP ew_new_future(SEXP expr, SEXP needs, SEXP settings, SEXP number, SEXP owner,
                              SEXP classes, SEXP parent) {
  return guard([&](MainThread& main) {
    const Words& name = words(main);
    return r_call(main, [&] {
      SEXP future = PROTECT(R_NewEnv(parent, FALSE, 0));
      const SEXP fields[][2] = {{name.expr, expr},
                                {name.settings, settings},
                                {name.state, name.created},
                                {name.number, number},
                                {name.owner, owner}};
      for (const auto& field : fields) Rf_defineVar(field[0], field[1], future);
      for (SEXP need : {name.globals, name.packages, name.namespaces, name.shadowed}) {
        SEXP value = element(needs, CHAR(PRINTNAME(need)));
        if (Rf_xlength(value) > 0) Rf_defineVar(need, value, future);
      }
      Rf_setAttrib(future, R_ClassSymbol, classes);
      UNPROTECT(1);
      return future;
    });
  });
}

// What a future sends of itself: a list with `expr` and those of its needs, its
// seed and its part of a map that there are.
extern "C" SEXP ew_future_payload(SEXP future) {
  return guard([&](MainThread& main) {
    const Words& name = words(main);
    return r_call(main, [&] {
      const SEXP fields[] = {name.expr,     name.globals, name.packages, name.namespaces,
                             name.shadowed, name.seed,    name.map};
      R_xlen_t count = 1;
      for (int i = 1; i < 7; ++i) count += field_of(future, fields[i]) != R_NilValue;
      SEXP out = PROTECT(Rf_allocVector(VECSXP, count));
      SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
      R_xlen_t next = 0;
      for (int i = 0; i < 7; ++i) {
        SEXP value = field_of(future, fields[i]);
        if (i > 0 && value == R_NilValue) continue;
        SET_VECTOR_ELT(out, next, value);
        SET_STRING_ELT(names, next++, PRINTNAME(fields[i]));
      }
      Rf_setAttrib(out, R_NamesSymbol, names);
      UNPROTECT(2);
      return out;
    });
  });
}

// Submits and makes the future run. FALSE, and nothing is submitted, when
// `payload` may not travel.
extern "C" SEXP ew_future_submit(SEXP future, SEXP pool, SEXP payload, SEXP refuse_references) {
  return guard([&](MainThread& main) {
    const Words& name = words(main);
    const SEXP settings = field_of(future, name.settings);
    TaskOptions options;
    options.retries = int_from(main, element(settings, "retries"));
    options.timeout = seconds_from(main, element(settings, "timeout"));
    options.priority = int_from(main, element(settings, "priority"));
    const auto policy =
        flag_from(main, refuse_references) ? OnReference::Refuse : OnReference::Allow;
    const auto task = submit_task(main, pool_from(pool), payload, options, policy);
    return r_call(main, [&] {
      if (!task) return Rf_ScalarLogical(FALSE);
      PROTECT(*task);
      Rf_defineVar(name.task, *task, future);
      Rf_defineVar(name.state, name.running, future);
      Rf_defineVar(name.start, Rf_ScalarReal(seconds_now()), future);
      UNPROTECT(1);
      return Rf_ScalarLogical(TRUE);
    });
  });
}

// For each of `which`, positions in a list of futures: -2 it is not started, -3
// neither, and is to be where it says itself, -1 it runs and has something to
// relay, 0 it runs, 1 it has its outcome, a value and nothing else, 2 it is ready
// to be looked at in R.
extern "C" SEXP ew_futures_settled(SEXP futures, SEXP which, SEXP owner) {
  return guard([&](MainThread& main) {
    const R_xlen_t count = Rf_xlength(which);
    SEXP out = PROTECT(r_call(main, [&] { return Rf_allocVector(INTSXP, count); }));
    for (R_xlen_t i = 0; i < count; ++i) {
      INTEGER(out)[i] = look_at(main, VECTOR_ELT(futures, INTEGER(which)[i] - 1), owner);
    }
    UNPROTECT(1);
    return out;
  });
}

}  // namespace elsewhere
