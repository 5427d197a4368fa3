// $run() of nearly all calls: a plain function with plain arguments, whose
// outcome is a value. All of it happens in one entry; what is out of the ordinary
// is left to R/session-call.R.
#include <chrono>
#include <cstring>

#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "bridge/r_api.h"
#include "bridge/session_exchange.h"
#include "bridge/session_handle.h"
#include "bridge/source_refs.h"

namespace elsewhere {
namespace {

// What a session object keeps to itself, by name.
struct Names {
  SEXP link = Rf_install("link");
  SEXP state = Rf_install("state");
  SEXP running = Rf_install("running");
  SEXP call_started_at = Rf_install("call_started_at");
  SEXP keeps_source = Rf_install("callr.keep.source");
  SEXP keeps_frames = Rf_install("callr.traceback");
};

const Names& names() {
  static const Names all;
  return all;
}

bool is_idle(SEXP session) {
  SEXP state = variable_in(session, names().state);
  return TYPEOF(state) == STRSXP && Rf_xlength(state) == 1 &&
         std::strcmp(CHAR(STRING_ELT(state, 0)), "idle") == 0;
}

bool is_ordinary(SEXP session, SEXP func, SEXP args, SEXP package, SEXP timeout) {
  return TYPEOF(func) == CLOSXP && !Rf_isObject(func) && TYPEOF(args) == VECSXP &&
         package == R_NilValue && TYPEOF(timeout) == REALSXP && Rf_xlength(timeout) == 1 &&
         REAL(timeout)[0] == R_PosInf && is_idle(session) &&
         Rf_GetOption1(names().keeps_frames) == R_NilValue &&
         Rf_GetOption1(names().keeps_source) == R_NilValue;
}

// What the worker's session_evaluate() takes.
SEXP payload_of(SEXP func, SEXP args) {
  SEXP payload = PROTECT(Rf_allocVector(VECSXP, 3));
  SET_VECTOR_ELT(payload, 0, closure_without_source(func, R_GlobalEnv));
  SET_VECTOR_ELT(payload, 1, args);
  SET_VECTOR_ELT(payload, 2, Rf_ScalarLogical(FALSE));
  UNPROTECT(1);
  return payload;
}

SEXP seconds_since_epoch() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  SEXP time = PROTECT(Rf_ScalarReal(std::chrono::duration<double>(now).count()));
  SEXP classes = PROTECT(Rf_allocVector(STRSXP, 2));
  SET_STRING_ELT(classes, 0, Rf_mkChar("POSIXct"));
  SET_STRING_ELT(classes, 1, Rf_mkChar("POSIXt"));
  Rf_classgets(time, classes);
  UNPROTECT(2);
  return time;
}

// The call goes on, and the session's R functions see to it.
void note_running(SEXP session, SEXP func, SEXP started_at) {
  SEXP busy = PROTECT(Rf_mkString("busy"));
  Rf_defineVar(names().state, busy, session);
  Rf_defineVar(names().running, func, session);
  Rf_defineVar(names().call_started_at, started_at, session);
  UNPROTECT(1);
}

bool has_result(const Result<std::optional<Packet>>& packet) {
  return packet.ok() && packet.value() && packet.value()->kind == PacketKind::Result;
}

// News of a kind that says nothing yet.
SEXP still_running() {
  SEXP out = PROTECT(Rf_allocVector(VECSXP, 2));
  SET_VECTOR_ELT(out, 0, Rf_mkString("running"));
  UNPROTECT(1);
  return out;
}

SEXP list_of(SEXP value) {
  SEXP out = PROTECT(Rf_allocVector(VECSXP, 1));
  SET_VECTOR_ELT(out, 0, value);
  UNPROTECT(1);
  return out;
}

}  // namespace

// `session` is the environment of what a session object keeps to itself. list(value)
// when the call is over; list(kind, value), the news so far, of one that goes on;
// NULL, and nothing has happened, for one that is out of the ordinary.
extern "C" SEXP ew_session_run(SEXP session, SEXP func, SEXP args, SEXP package, SEXP timeout) {
  return guard([&](MainThread& main) {
    const bool is_for_here =
        r_call(main, [&] { return is_ordinary(session, func, args, package, timeout); });
    if (!is_for_here) return R_NilValue;
    SEXP handle = r_call(main, [&] { return variable_in(session, names().link); });
    SessionLink& link = session_from(main, handle);
    SEXP payload = PROTECT(r_call(main, [&] { return payload_of(func, args); }));
    SEXP started_at = PROTECT(r_call(main, [] { return seconds_since_epoch(); }));
    if (!send_call(main, link, payload, OnReference::Refuse)) {
      UNPROTECT(2);
      return R_NilValue;
    }
    // A longer one is waited for where a time limit of R's can end the wait.
    auto packet = wait_for_packet(link, deadline_in(kBetweenLimits));
    const bool is_over = has_result(packet);
    if (packet.ok() && !packet.value()) {
      SEXP news = r_call(main, [&] {
        note_running(session, VECTOR_ELT(payload, 0), started_at);
        return still_running();
      });
      UNPROTECT(2);
      return news;
    }
    // Before R reads what has come, which may fail.
    if (!is_over) r_call(main, [&] { note_running(session, VECTOR_ELT(payload, 0), started_at); });
    SEXP news = PROTECT(news_of(main, link, packet));
    SEXP out = r_call(main, [&] {
      SEXP outcome = VECTOR_ELT(news, 1);
      if (!is_over) return news;
      if (is_value_alone(outcome)) return list_of(VECTOR_ELT(outcome, 0));
      note_running(session, VECTOR_ELT(payload, 0), started_at);
      return news;
    });
    UNPROTECT(3);
    return out;
  });
}

// The function as it travels where its source does not.
extern "C" SEXP ew_without_source(SEXP func) {
  return guard([&](MainThread& main) {
    if (TYPEOF(func) != CLOSXP) return func;
    return r_call(main, [&] { return closure_without_source(func, environment_of(func)); });
  });
}

}  // namespace elsewhere
