#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/fork/forked_evaluation.h"
#include "bridge/fork/task_wait.h"
#include "bridge/guard.h"
#include "bridge/notify.h"
#include "bridge/process_engine.h"
#include "bridge/serialize.h"
#include "bridge/task_handle.h"
#include "engine/os/process_facts.h"
#include "engine/wire/environment_block.h"
#include "engine/wire/greeting.h"

namespace elsewhere {
namespace {

SEXP field(SEXP list, const char* name) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  for (R_xlen_t i = 0; i < Rf_xlength(names); ++i) {
    if (std::strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return VECTOR_ELT(list, i);
  }
  throw EngineError({ErrorCode::Bug, std::string("an option is missing: ") + name});
}

const char* word_for(PoolEventKind kind) {
  switch (kind) {
    case PoolEventKind::Started: return "start";
    case PoolEventKind::Replaced: return "replace";
    case PoolEventKind::Ended: return "exit";
    case PoolEventKind::Retired: return "recycle";
    case PoolEventKind::NotStarted: return "no start";
  }
  return "";
}

const char* kind_name(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::Value: return "value";
    case OutcomeKind::Unserializable: return "unserializable";
    case OutcomeKind::Aborted: return "aborted";
    case OutcomeKind::Lost: return "lost";
    case OutcomeKind::Cancelled: return "cancelled";
    case OutcomeKind::TimedOut: return "timeout";
    case OutcomeKind::NotStarted: return "start";
  }
  return "value";
}

// Bytes that a process printed may be anything; R gets valid UTF-8 or escapes.
SEXP printed_text(MainThread& main, const std::string& text) {
  std::string clean;
  for (const char c : text) {
    if (c != '\0') clean.push_back(c);
  }
  return to_r(main, clean);
}

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

// `environment` with the entries of `more` set instead of or beside its own.
std::vector<std::string> with_variables(std::vector<std::string> environment,
                                        const std::vector<std::string>& more) {
  std::erase_if(environment, [&](const std::string& entry) {
    return std::any_of(more.begin(), more.end(),
                       [&](const std::string& set) { return name_of(set) == name_of(entry); });
  });
  environment.insert(environment.end(), more.begin(), more.end());
  return environment;
}

// Waits by `wait(slice)` until it answers something else than `time_out` or the
// time is over, and lets R handle Ctrl-C in between.
template <class Answer, class Wait>
Answer wait_in_slices(MainThread& main, std::optional<std::chrono::milliseconds> limit,
                      Answer time_out, Wait&& wait) {
  // A signal that comes just before a wait begins does not end it, so none is
  // longer than this.
  constexpr std::chrono::milliseconds kSlice{200};
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    const auto slice =
        limit ? std::clamp(*limit - spent, std::chrono::milliseconds(0), kSlice) : kSlice;
    const Result<Answer> end = wait(slice);
    if (!end.ok() && end.error().code != ErrorCode::Interrupted) throw EngineError(end.error());
    if (end.ok() && end.value() != time_out) return end.value();
    r_call(main, [] { R_CheckUserInterrupt(); });
    if (limit && std::chrono::steady_clock::now() - start >= *limit) return time_out;
  }
}

// Tasks, seconds of age, bytes of growth; what is not finite is no limit.
Recycling recycling_from(MainThread& main, SEXP limits) {
  Recycling recycling;
  const auto limit = [&](R_xlen_t i) { return REAL_ELT(limits, i); };
  if (TYPEOF(limits) != REALSXP || Rf_xlength(limits) != 3) {
    throw EngineError({ErrorCode::Bug, "the limits of a worker are three numbers"});
  }
  if (R_FINITE(limit(0))) recycling.tasks = static_cast<int>(std::min(limit(0), 2e9));
  recycling.age = seconds_from(main, r_call(main, [&] { return Rf_ScalarReal(limit(1)); }));
  if (R_FINITE(limit(2))) recycling.growth_bytes = static_cast<std::uint64_t>(limit(2));
  return recycling;
}

// `remotes` is NULL, or a list with hosts, what the workers there are told first,
// what they must speak, and for each host a program with its arguments.
void add_remotes(MainThread& main, SEXP remotes, const std::vector<std::string>& environment,
                 PoolSpec& spec) {
  if (remotes == R_NilValue) return;
  const auto hosts = strings_from(main, field(remotes, "hosts"));
  const std::string program = string_from(main, field(remotes, "program"));
  const std::string speaks = what_is_spoken(string_from(main, field(remotes, "version")));
  SEXP arguments = field(remotes, "arguments");
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    auto words = strings_from(main, VECTOR_ELT(arguments, static_cast<R_xlen_t>(i)));
    spec.remotes.push_back({{program, std::move(words), environment}, {hosts[i], speaks}});
  }
  spec.remote_setup = std::make_shared<const Parcel>(to_bytes(main, field(remotes, "setup")));
}

PoolSpec pool_spec_from(MainThread& main, SEXP workers, SEXP setup, SEXP options) {
  PoolSpec spec;
  spec.workers = int_from(main, workers);
  spec.launch.program = string_from(main, field(options, "program"));
  spec.launch.arguments = strings_from(main, field(options, "arguments"));
  const auto outer = current_environment();
  spec.launch.variables = strings_from(main, field(options, "variables"));
  const auto environment = with_variables(outer, spec.launch.variables);
  spec.launch.environment =
      with_variables(environment, strings_from(main, field(options, "environment")));
  spec.environment = std::make_shared<const Parcel>(to_block(environment));
  spec.launch_by =
      string_from(main, field(options, "launch")) == "exec" ? LaunchBy::Exec : LaunchBy::Nursery;
  spec.setup = std::make_shared<const Parcel>(to_bytes(main, setup));
  if (const auto patience = seconds_from(main, field(options, "start_timeout"))) {
    spec.start_patience = *patience;
  }
  spec.recycling = recycling_from(main, field(options, "recycle"));
  add_remotes(main, field(options, "remotes"), outer, spec);
  // On another machine it may be known.
  if (spec.recycling.growth_bytes && spec.remotes.empty() && resident_bytes(this_process()) == 0) {
    throw EngineError({ErrorCode::BadArgument,
                       "`recycle` limits the memory of workers, but this system does not tell "
                       "how much memory a process uses: limit `tasks` or `age` instead"});
  }
  return spec;
}

// A fork is the caller's own child, of which the engine knows nothing.
TaskState state_of(MainThread& main, SEXP task) {
  if (HeldTask* fork = held_task(task)) {
    fork->look();
    return fork->state();
  }
  return engine(main).task_state(task_from(task));
}

}  // namespace

extern "C" SEXP ew_engine_init(SEXP notified) {
  return guard([&](MainThread& main) {
    set_notified_function(main, notified);
    return R_NilValue;
  });
}

extern "C" SEXP ew_engine_stop() {
  return guard([&](MainThread& main) {
    stop_engine(main);
    return R_NilValue;
  });
}

extern "C" SEXP ew_pool_start(SEXP workers, SEXP setup, SEXP options) {
  return guard([&](MainThread& main) {
    PoolSpec spec = pool_spec_from(main, workers, setup, options);
    const PoolId pool = engine(main).open_pool(std::move(spec));
    return pool_handle(main, pool);
  });
}

extern "C" SEXP ew_pool_stop(SEXP pool) {
  return guard([&](MainThread& main) {
    engine(main).close_pool(pool_from(pool));
    return R_NilValue;
  });
}

extern "C" SEXP ew_pool_status(SEXP pool) {
  return guard([&](MainThread& main) {
    const PoolStatus status = engine(main).pool_status(pool_from(pool));
    SEXP out = PROTECT(named_list(main, {{"workers", R_NilValue},
                                         {"busy", R_NilValue},
                                         {"queued", R_NilValue},
                                         {"open", R_NilValue},
                                         {"broken", R_NilValue},
                                         {"pids", R_NilValue},
                                         {"answered", R_NilValue},
                                         {"started", R_NilValue},
                                         {"ended", R_NilValue}}));
    r_call(main, [&] {
      SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status.workers));
      SET_VECTOR_ELT(out, 1, Rf_ScalarInteger(status.busy));
      SET_VECTOR_ELT(out, 2, Rf_ScalarInteger(status.queued));
      SET_VECTOR_ELT(out, 3, Rf_ScalarLogical(status.is_open));
      SET_VECTOR_ELT(out, 5, Rf_allocVector(INTSXP, static_cast<R_xlen_t>(status.pids.size())));
      SET_VECTOR_ELT(out, 6, Rf_ScalarReal(static_cast<double>(status.answered)));
      SET_VECTOR_ELT(out, 7, Rf_ScalarReal(static_cast<double>(status.started)));
      SET_VECTOR_ELT(out, 8, Rf_ScalarReal(static_cast<double>(status.ended)));
    });
    if (!status.broken.empty()) SET_VECTOR_ELT(out, 4, printed_text(main, status.broken));
    std::copy(status.pids.begin(), status.pids.end(), INTEGER(VECTOR_ELT(out, 5)));
    UNPROTECT(1);
    return out;
  });
}

// What has happened to the workers: list(event, at, place, pid, host, tasks, how),
// each with an element for each event; `at` in seconds since 1970.
extern "C" SEXP ew_pool_events(SEXP pool) {
  return guard([&](MainThread& main) {
    const auto events = engine(main).pool_events(pool_from(pool));
    const auto count = static_cast<R_xlen_t>(events.size());
    SEXP out = PROTECT(named_list(main, {{"event", R_NilValue},
                                         {"at", R_NilValue},
                                         {"place", R_NilValue},
                                         {"pid", R_NilValue},
                                         {"host", R_NilValue},
                                         {"tasks", R_NilValue},
                                         {"how", R_NilValue}}));
    r_call(main, [&] {
      constexpr SEXPTYPE kTypes[] = {STRSXP, REALSXP, INTSXP, INTSXP, STRSXP, INTSXP, STRSXP};
      for (R_xlen_t i = 0; i < 7; ++i) SET_VECTOR_ELT(out, i, Rf_allocVector(kTypes[i], count));
    });
    for (R_xlen_t i = 0; i < count; ++i) {
      const PoolEvent& event = events[static_cast<std::size_t>(i)];
      REAL(VECTOR_ELT(out, 1))
      [i] = std::chrono::duration<double>(event.at.time_since_epoch()).count();
      INTEGER(VECTOR_ELT(out, 2))[i] = static_cast<int>(event.place) + 1;
      INTEGER(VECTOR_ELT(out, 3))[i] = event.pid > 0 ? event.pid : NA_INTEGER;
      INTEGER(VECTOR_ELT(out, 5))[i] = event.tasks;
      const SEXP how = STRING_ELT(PROTECT(printed_text(main, event.how)), 0);
      r_call(main, [&] {
        SET_STRING_ELT(VECTOR_ELT(out, 0), i, Rf_mkChar(word_for(event.kind)));
        SET_STRING_ELT(VECTOR_ELT(out, 4), i, Rf_mkChar(event.host.c_str()));
        SET_STRING_ELT(VECTOR_ELT(out, 6), i, how);
      });
      UNPROTECT(1);
    }
    UNPROTECT(1);
    return out;
  });
}

// list(tasks, was_busy, last): a task for each worker that came after the one with
// number `after`, whether that has to finish something first, and the number of
// the last worker.
extern "C" SEXP ew_pool_everywhere(SEXP pool, SEXP payload, SEXP after) {
  return guard([&](MainThread& main) {
    const auto from = static_cast<std::uint64_t>(number_from(main, after));
    const auto errands =
        engine(main).submit_everywhere(pool_from(pool), to_parcel(main, payload), WorkerId{from});
    const auto count = static_cast<R_xlen_t>(errands.size());
    std::uint64_t last = from;
    SEXP out = PROTECT(
        named_list(main, {{"tasks", R_NilValue}, {"was_busy", R_NilValue}, {"last", R_NilValue}}));
    r_call(main, [&] {
      SET_VECTOR_ELT(out, 0, Rf_allocVector(VECSXP, count));
      SET_VECTOR_ELT(out, 1, Rf_allocVector(LGLSXP, count));
    });
    for (R_xlen_t i = 0; i < count; ++i) {
      const auto& errand = errands[static_cast<std::size_t>(i)];
      SET_VECTOR_ELT(VECTOR_ELT(out, 0), i, task_handle(main, errand.task));
      LOGICAL(VECTOR_ELT(out, 1))[i] = errand.was_busy;
      last = std::max(last, static_cast<std::uint64_t>(errand.worker));
    }
    r_call(main, [&] { SET_VECTOR_ELT(out, 2, Rf_ScalarReal(static_cast<double>(last))); });
    UNPROTECT(1);
    return out;
  });
}

// What workers that are started from now on are told first.
extern "C" SEXP ew_pool_set_setup(SEXP pool, SEXP setup, SEXP remote_setup) {
  return guard([&](MainThread& main) {
    auto near = std::make_shared<const Parcel>(to_bytes(main, setup));
    auto far = std::make_shared<const Parcel>(to_bytes(main, remote_setup));
    engine(main).set_setup(pool_from(pool), std::move(near), std::move(far));
    return R_NilValue;
  });
}

// TRUE when every worker has come up, FALSE when the time is over, or why one
// has not.
extern "C" SEXP ew_pool_wait_for_start(SEXP pool, SEXP timeout) {
  return guard([&](MainThread& main) {
    const PoolId where = pool_from(pool);
    Engine& running = engine(main);
    using State = std::optional<std::string>;
    const State state = wait_in_slices(main, seconds_from(main, timeout), State(), [&](auto slice) {
      return running.wait_for_start(where, slice);
    });
    if (state && !state->empty()) return printed_text(main, *state);
    return r_call(main, [&] { return Rf_ScalarLogical(state.has_value()); });
  });
}

extern "C" SEXP ew_pool_free(SEXP pool) {
  return guard([&](MainThread& main) {
    const int free = engine(main).pool_free(pool_from(pool));
    return r_call(main, [&] { return Rf_ScalarInteger(free); });
  });
}

extern "C" SEXP ew_pool_submit(SEXP pool, SEXP payload, SEXP retries, SEXP timeout, SEXP priority,
                               SEXP refuse_references) {
  return guard([&](MainThread& main) {
    const PoolId where = pool_from(pool);
    TaskOptions options;
    options.retries = int_from(main, retries);
    options.timeout = seconds_from(main, timeout);
    options.priority = int_from(main, priority);
    const auto policy =
        flag_from(main, refuse_references) ? OnReference::Refuse : OnReference::Allow;
    return submit_task(main, where, payload, options, policy).value_or(R_NilValue);
  });
}

extern "C" SEXP ew_task_state(SEXP task) {
  return guard([&](MainThread& main) {
    switch (state_of(main, task)) {
      case TaskState::Queued: return r_call(main, [] { return Rf_mkString("queued"); });
      case TaskState::Running: return r_call(main, [] { return Rf_mkString("running"); });
      case TaskState::Settled: break;
    }
    return r_call(main, [] { return Rf_mkString("settled"); });
  });
}

extern "C" SEXP ew_task_settled(SEXP task) {
  return guard([&](MainThread& main) {
    const bool is_settled = state_of(main, task) == TaskState::Settled;
    return r_call(main, [&] { return Rf_ScalarLogical(is_settled); });
  });
}

extern "C" SEXP ew_task_wait(SEXP tasks, SEXP timeout, SEXP enough, SEXP events) {
  return guard([&](MainThread& main) {
    AwaitedTasks awaited;
    for (R_xlen_t i = 0; i < Rf_xlength(tasks); ++i) {
      const SEXP task = VECTOR_ELT(tasks, i);
      if (HeldTask* fork = held_task(task)) {
        awaited.forked.push_back(fork);
      } else {
        awaited.pooled.push_back(task_from(task));
      }
    }
    awaited.enough = static_cast<std::size_t>(number_from(main, enough));
    awaited.on_event = flag_from(main, events) ? WaitEvents::Return : WaitEvents::Ignore;
    int answer = NA_LOGICAL;
    switch (wait_for_tasks(main, awaited, seconds_from(main, timeout))) {
      case WaitEnd::Settled: answer = TRUE; break;
      case WaitEnd::TimedOut: answer = FALSE; break;
      case WaitEnd::Event: break;
    }
    return r_call(main, [&] { return Rf_ScalarLogical(answer); });
  });
}

extern "C" SEXP ew_pool_wait_for_room(SEXP pool, SEXP queued_max, SEXP timeout) {
  return guard([&](MainThread& main) {
    const PoolId where = pool_from(pool);
    const double most = number_from(main, queued_max);
    Engine& running = engine(main);
    const bool has_room = wait_in_slices(main, seconds_from(main, timeout), false, [&](auto slice) {
      return running.wait_for_room(where, most, slice);
    });
    return r_call(main, [&] { return Rf_ScalarLogical(has_room); });
  });
}

extern "C" SEXP ew_task_outcome(SEXP task) {
  return guard([&](MainThread& main) {
    const HeldTask* fork = held_task(task);
    const Outcome& outcome =
        fork != nullptr ? fork->outcome() : engine(main).outcome(task_from(task));
    SEXP out = PROTECT(named_list(main, {{"kind", R_NilValue},
                                         {"value", R_NilValue},
                                         {"message", R_NilValue},
                                         {"pid", R_NilValue},
                                         {"status", R_NilValue},
                                         {"signal", R_NilValue},
                                         {"output", R_NilValue}}));
    r_call(main, [&] {
      SET_VECTOR_ELT(out, 0, Rf_mkString(kind_name(outcome.kind)));
      SET_VECTOR_ELT(out, 3, Rf_ScalarInteger(outcome.pid));
      SET_VECTOR_ELT(out, 4, Rf_ScalarInteger(outcome.exit.status));
      SET_VECTOR_ELT(out, 5, Rf_ScalarInteger(outcome.exit.signal));
    });
    if (outcome.kind == OutcomeKind::Value) {
      SET_VECTOR_ELT(out, 1, from_parcel(main, outcome.value));
    } else {
      SET_VECTOR_ELT(out, 2, printed_text(main, outcome.message));
      SET_VECTOR_ELT(out, 6, printed_text(main, outcome.output));
    }
    UNPROTECT(1);
    return out;
  });
}

extern "C" SEXP ew_task_events(SEXP task) {
  return guard([&](MainThread& main) {
    HeldTask* fork = held_task(task);
    const auto events =
        fork != nullptr ? fork->take_events() : engine(main).take_events(task_from(task));
    SEXP out = PROTECT(
        r_call(main, [&] { return Rf_allocVector(VECSXP, static_cast<R_xlen_t>(events.size())); }));
    for (std::size_t i = 0; i < events.size(); ++i) {
      SET_VECTOR_ELT(out, static_cast<R_xlen_t>(i), from_parcel(main, events[i]));
    }
    UNPROTECT(1);
    return out;
  });
}

extern "C" SEXP ew_task_cancel(SEXP task, SEXP grace) {
  return guard([&](MainThread& main) {
    const auto patience = seconds_from(main, grace).value_or(std::chrono::hours(24));
    HeldTask* fork = held_task(task);
    const bool was_unsettled =
        fork != nullptr ? fork->cancel(patience) : engine(main).cancel(task_from(task), patience);
    return r_call(main, [&] { return Rf_ScalarLogical(was_unsettled); });
  });
}

// `loop`: the id of the event loop that is to hear of it.
extern "C" SEXP ew_task_notify(SEXP task, SEXP loop) {
  return guard([&](MainThread& main) {
    const TaskId id = task_from(task);
    notify_loop_too(INTEGER(loop)[0]);
    engine(main).notify_when_settled(id);
    return r_call(main, [&] { return Rf_ScalarReal(static_cast<double>(number(id))); });
  });
}

extern "C" SEXP ew_take_notified() {
  return guard([&](MainThread& main) {
    const auto ids = engine(main).take_notified();
    SEXP out =
        r_call(main, [&] { return Rf_allocVector(REALSXP, static_cast<R_xlen_t>(ids.size())); });
    for (std::size_t i = 0; i < ids.size(); ++i) {
      REAL(out)[i] = static_cast<double>(number(ids[i]));
    }
    return out;
  });
}

}  // namespace elsewhere
