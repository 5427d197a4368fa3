#include "bridge/guard.h"

#include <Rinternals.h>

namespace elsewhere {
namespace {

SEXP raise_function = nullptr;

const char* condition_class(ErrorCode code) {
  switch (code) {
    case ErrorCode::Bug: return "elsewhere_bug";
    case ErrorCode::BadArgument: return "elsewhere_bad_argument";
    case ErrorCode::System: return "elsewhere_system_error";
    case ErrorCode::Protocol: return "elsewhere_protocol_error";
    case ErrorCode::Closed: return "elsewhere_closed";
    case ErrorCode::TooLarge: return "elsewhere_too_large";
    case ErrorCode::Interrupted: return "elsewhere_interrupted";
    case ErrorCode::TimedOut: return "elsewhere_timeout";
    case ErrorCode::WorkerStart: return "elsewhere_worker_start";
    case ErrorCode::WorkerDied: return "elsewhere_worker_died";
    case ErrorCode::Cancelled: return "elsewhere_cancelled";
    case ErrorCode::CannotTravel: return "elsewhere_cannot_travel";
    case ErrorCode::Forked: return "elsewhere_forked";
  }
  return "elsewhere_bug";
}

}  // namespace

void leave_by_error(const DoorExit& exit) {
  if (exit.unwind_token != nullptr) R_ContinueUnwind(exit.unwind_token);
  if (raise_function != nullptr) {
    SEXP kind = PROTECT(Rf_mkString(condition_class(exit.code)));
    SEXP message = PROTECT(Rf_ScalarString(Rf_mkCharCE(exit.message, CE_UTF8)));
    Rf_eval(PROTECT(Rf_lang3(raise_function, kind, message)), R_GlobalEnv);
  }
  Rf_errorcall(R_NilValue, "%s", exit.message);
}

void set_raise_function(MainThread&, SEXP raise) {
  if (raise_function != nullptr) R_ReleaseObject(raise_function);
  R_PreserveObject(raise);
  raise_function = raise;
}

}  // namespace elsewhere
