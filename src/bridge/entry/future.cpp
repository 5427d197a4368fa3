// The short way of a trivial future, in few calls and with few objects: made, sent
// and taken here. Whatever needs a closer look is left to R/future-launch.R.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <vector>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/fork/forked_evaluation.h"
#include "bridge/guard.h"
#include "bridge/process_engine.h"
#include "bridge/r_api.h"
#include "bridge/serialize.h"
#include "bridge/task_handle.h"

namespace elsewhere {
namespace {

// Names of fields, and values that all futures share.
struct Words {
  SEXP expr, settings, state, number, owner, task, start, outcome, backend, pid;
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
    w.pid = Rf_install("pid");
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
  SEXP value = variable_in(future, name);
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

// `expr` and those of a future's needs, its seed and its part of a map that there
// are, and then `common`.
SEXP payload_of(MainThread& main, SEXP future, SEXP common) {
  const Words& name = words(main);
  return r_call(main, [&] {
    const SEXP fields[] = {name.expr,     name.globals, name.packages, name.namespaces,
                           name.shadowed, name.seed,    name.map};
    const R_xlen_t shared = Rf_xlength(common);
    R_xlen_t count = 1 + shared;
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
    for (R_xlen_t i = 0; i < shared; ++i) {
      SET_VECTOR_ELT(out, next, VECTOR_ELT(common, i));
      SET_STRING_ELT(names, next++, STRING_ELT(Rf_getAttrib(common, R_NamesSymbol), i));
    }
    Rf_setAttrib(out, R_NamesSymbol, names);
    UNPROTECT(2);
    return out;
  });
}

// false, and nothing is submitted, when `payload` may not travel.
bool submit_future(MainThread& main, SEXP future, PoolId pool, SEXP payload, OnReference policy) {
  const Words& name = words(main);
  const SEXP settings = field_of(future, name.settings);
  TaskOptions options;
  options.retries = int_from(main, element(settings, "retries"));
  options.timeout = seconds_from(main, element(settings, "timeout"));
  options.priority = int_from(main, element(settings, "priority"));
  const auto task = submit_task(main, pool, payload, options, policy);
  if (!task) return false;
  r_call(main, [&] {
    PROTECT(*task);
    Rf_defineVar(name.task, *task, future);
    Rf_defineVar(name.state, name.running, future);
    Rf_defineVar(name.start, Rf_ScalarReal(seconds_now()), future);
    UNPROTECT(1);
  });
  return true;
}

bool is_flag(SEXP value, int flag) {
  return TYPEOF(value) == LGLSXP && Rf_xlength(value) == 1 && !has_attributes(value) &&
         LOGICAL(value)[0] == flag;
}

// Whether settings_payload() in R/future-launch.R has nothing to say of them.
bool are_plain(SEXP settings) {
  const SEXP conditions = element(settings, "conditions");
  return is_string(conditions, "condition") && !has_attributes(conditions) &&
         is_flag(element(settings, "check_rng"), TRUE) &&
         is_flag(element(settings, "stdout"), TRUE) && is_flag(element(settings, "gc"), FALSE);
}

bool start_plainly(MainThread& main, SEXP future, SEXP owner, SEXP way) {
  const Words& name = words(main);
  if (way == R_NilValue || field_of(future, name.backend) != R_NilValue ||
      !are_plain(field_of(future, name.settings)) ||
      !R_compute_identical(field_of(future, name.owner), owner, 16)) {
    return false;
  }
  SEXP payload = PROTECT(payload_of(main, future, VECTOR_ELT(way, 1)));
  const bool is_submitted =
      submit_future(main, future, pool_from(VECTOR_ELT(way, 0)), payload, OnReference::Refuse);
  UNPROTECT(1);
  return is_submitted;
}

// How far a future is, for ew_futures_settled(); R/future-resolve.R and R/future-value-list.R
// have the numbers as well.
enum Settled {
  kNotStartedElsewhere = -3,
  kNotStarted = -2,
  kHasEvents = -1,
  kRuns = 0,
  kQuiet = 1,
  kToLookAt = 2
};

bool is_ours(SEXP value) {
  return TYPEOF(value) == ENVSXP && Rf_inherits(value, "elsewhere_future") &&
         !Rf_inherits(value, "DroppedFuture");
}

Settled look_at(MainThread& main, SEXP future, SEXP owner) {
  if (!is_ours(future)) return kToLookAt;
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
  if (HeldTask* fork = held_task(task)) {
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
    const pid_t pid = seen.outcome->pid;
    r_call(main, [&] {
      Rf_defineVar(name.outcome, result, future);
      Rf_defineVar(name.pid, Rf_ScalarInteger(pid), future);
      Rf_defineVar(name.state, name.finished, future);
      Rf_defineVar(name.task, R_NilValue, future);
    });
    forget_task_of(main, task);
  }
  UNPROTECT(1);
  return is_plain ? kQuiet : kToLookAt;
}

// One look at a list of futures, as resolved() takes it: with next to no garbage,
// because it comes again and again.
class Look {
 public:
  Look(MainThread& main, SEXP futures, SEXP owner) : main_(main), futures_(futures), owner_(owner) {
    const auto count = static_cast<std::size_t>(Rf_xlength(futures));
    how_.resize(count, kToLookAt);
    for (std::size_t i = 0; i < count; ++i) how_[i] = sort(i);
    ask_engine();
  }

  // Starts lazy futures as long as their pool has use for them.
  void start_some(SEXP way, std::chrono::duration<double> patience) {
    if (way == R_NilValue) return;
    const auto start = std::chrono::steady_clock::now();
    std::optional<int> room;
    for (std::size_t i = 0; i < how_.size(); ++i) {
      if (how_[i] != kNotStarted) continue;
      if (!room) room = engine(main_).pool_room(pool_from(VECTOR_ELT(way, 0)));
      const bool is_enough = *room <= 0 || std::chrono::steady_clock::now() - start >= patience;
      // From here on it is R's turn, so that they start in order.
      if (!is_enough && !start_plainly(main_, future(i), owner_, way)) return;
      if (!is_enough) --*room;
      how_[i] = kRuns;
    }
  }

  // A logical vector, or integers as of ew_futures_settled() when some of the
  // futures are for R to look at.
  SEXP answer() const {
    const bool is_all = std::all_of(how_.begin(), how_.end(),
                                    [](Settled how) { return how == kRuns || how == kQuiet; });
    return r_call(main_, [&] {
      const auto count = static_cast<R_xlen_t>(how_.size());
      SEXP out = PROTECT(Rf_allocVector(is_all ? LGLSXP : INTSXP, count));
      int* to = is_all ? LOGICAL(out) : INTEGER(out);
      std::copy(how_.begin(), how_.end(), to);
      UNPROTECT(1);
      return out;
    });
  }

 private:
  SEXP future(std::size_t i) const { return VECTOR_ELT(futures_, static_cast<R_xlen_t>(i)); }

  // What can be said without the engine; what it must be asked for is noted.
  Settled sort(std::size_t i) {
    SEXP future = this->future(i);
    const Words& name = words(main_);
    if (!is_ours(future)) return kToLookAt;
    const SEXP task = field_of(future, name.task);
    const bool is_of_engine =
        task != R_NilValue && held_task(task) == nullptr &&
        field_of(future, name.outcome) == R_NilValue &&
        R_compute_identical(field_of(future, name.owner), owner_, 16) &&
        is_flag(element(field_of(future, name.settings), "earlySignal"), FALSE);
    if (!is_of_engine) {
      const Settled how = look_at(main_, future, owner_);
      const bool has_outcome = field_of(future, name.outcome) != R_NilValue;
      return how == kToLookAt && has_outcome ? kQuiet : how;
    }
    asked_.push_back(i);
    tasks_.push_back(task_from(task));
    return kRuns;
  }

  // A value is left where it is until it is asked for.
  void ask_engine() {
    if (tasks_.empty()) return;
    const auto views = engine(main_).views(tasks_);
    for (std::size_t k = 0; k < views.size(); ++k) {
      const TaskView& seen = views[k];
      Settled& how = how_[asked_[k]];
      if (seen.has_events) {
        how = seen.state == TaskState::Settled ? kToLookAt : kHasEvents;
      } else if (seen.state == TaskState::Settled) {
        how = seen.outcome->kind == OutcomeKind::Value ? kQuiet : kToLookAt;
      }
    }
  }

  MainThread& main_;
  SEXP futures_, owner_;
  std::vector<Settled> how_;
  std::vector<std::size_t> asked_;  // positions of the tasks
  std::vector<TaskId> tasks_;
};

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
  return guard([&](MainThread& main) { return payload_of(main, future, R_NilValue); });
}

// Submits and makes the future run. FALSE, and nothing is submitted, when
// `payload` may not travel.
extern "C" SEXP ew_future_submit(SEXP future, SEXP pool, SEXP payload, SEXP refuse_references) {
  return guard([&](MainThread& main) {
    const auto policy =
        flag_from(main, refuse_references) ? OnReference::Refuse : OnReference::Allow;
    const bool is_submitted = submit_future(main, future, pool_from(pool), payload, policy);
    return r_call(main, [&] { return Rf_ScalarLogical(is_submitted); });
  });
}

// Starts a lazy future as R/future-launch.R does, where that takes nothing else than to
// send it; FALSE, and nothing has happened, where it takes more. `way`: the pool,
// and what all payloads have in common.
extern "C" SEXP ew_future_launch(SEXP future, SEXP owner, SEXP way) {
  return guard([&](MainThread& main) {
    const bool is_started = start_plainly(main, future, owner, way);
    return r_call(main, [&] { return Rf_ScalarLogical(is_started); });
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

// What resolved() answers for a list of futures, or integers as above when R has
// to look, too; starts lazy ones by `way` (see ew_future_launch) for `patience`
// seconds. Outcomes stay where they are.
extern "C" SEXP ew_futures_look(SEXP futures, SEXP owner, SEXP way, SEXP patience) {
  return guard([&](MainThread& main) {
    Look look(main, futures, owner);
    look.start_some(way, std::chrono::duration<double>(number_from(main, patience)));
    return look.answer();
  });
}

}  // namespace elsewhere
