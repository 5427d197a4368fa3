#include "bridge/eval/context.h"

#include "bridge/eval/hooks.h"

namespace elsewhere::eval {
namespace {

// Not protected.
SEXP current_domain() {
  SEXP call = PROTECT(Rf_lang1(hooks().current_domain));
  SEXP domain = Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
  return domain;
}

// Not protected. NULL where Shiny is not loaded.
SEXP current_session() {
  if (hooks().current_session == nullptr) return R_NilValue;
  SEXP call = PROTECT(Rf_lang1(hooks().current_session));
  SEXP session = Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
  return session;
}

}  // namespace

void capture_context(const Coroutine& co) {
  SEXP domain = PROTECT(current_domain());
  if (domain == R_NilValue) {
    co.set(kStateContext, R_NilValue);
  } else {
    SEXP call = PROTECT(Rf_lang3(hooks().capture_context, domain, co.self));
    co.set(kStateContext, Rf_eval(call, R_BaseEnv));
    UNPROTECT(1);
  }
  UNPROTECT(1);
}

void run_in_context(const Coroutine& co, bool is_rejected, SEXP value) {
  SEXP context = PROTECT(co.slot(kStateContext));
  co.set(kStateContext, R_NilValue);
  SEXP call;
  if (context != R_NilValue) {
    SEXP state = PROTECT(Rf_ScalarLogical(is_rejected));
    SEXP holder = PROTECT(Rf_allocVector(VECSXP, 1));
    SET_VECTOR_ELT(holder, 0, value);
    call = Rf_lang5(hooks().run_in_context, context, co.self, state, holder);
    UNPROTECT(2);
  } else if (current_domain() != R_NilValue || current_session() != R_NilValue) {
    call = Rf_lang2(hooks().run_outside, co.self);
  } else {
    call = Rf_lang2(hooks().run_task, co.self);
  }
  PROTECT(call);
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(2);
}

void join_session(const Coroutine& co) {
  SEXP session = PROTECT(current_session());
  if (session != R_NilValue) {
    SEXP call = PROTECT(Rf_lang3(hooks().join_session, session, co.self));
    co.set(kStateSession, Rf_eval(call, R_BaseEnv));
    UNPROTECT(1);
  }
  UNPROTECT(1);
}

void leave_session(const Coroutine& co) {
  SEXP entry = PROTECT(co.slot(kStateSession));
  if (entry != R_NilValue) {
    co.set(kStateSession, R_NilValue);
    Rf_eval(PROTECT(Rf_lang2(hooks().leave_session, entry)), R_BaseEnv);
    UNPROTECT(1);
  }
  UNPROTECT(1);
}

void note_waiter(SEXP owner) {
  if (hooks().current_session == nullptr || !is_coroutine(owner)) return;
  const Coroutine co = coroutine_from(owner);
  SEXP entry = PROTECT(co.slot(kStateSession));
  if (entry != R_NilValue) {
    SEXP call = PROTECT(Rf_lang3(hooks().note_waiter, entry, PROTECT(current_session())));
    if (Rf_asLogical(Rf_eval(call, R_BaseEnv)) == FALSE) leave_session(co);
    UNPROTECT(2);
  }
  UNPROTECT(1);
}

}  // namespace elsewhere::eval
