#include "bridge/session_handle.h"

#include <pthread.h>

#include <set>

#include "bridge/guard.h"
#include "bridge/session_nurseries.h"

namespace elsewhere {
namespace {

// Every handle whose link is open. A plain pointer, never destroyed: finalizers
// run while the process ends.
std::set<SEXP>* handles = new std::set<SEXP>();
bool is_forked_child = false;

SessionLink* link_of(SEXP handle) { return static_cast<SessionLink*>(R_ExternalPtrAddr(handle)); }

// The child drops its copies of the descriptors, so that the end of the parent
// still shows at the other side, and touches nothing else.
void after_fork_in_child() {
  for (SEXP handle : *handles) {
    link_of(handle)->close();
    SEXP process = R_ExternalPtrProtected(handle);
    if (TYPEOF(process) == EXTPTRSXP) R_ClearExternalPtr(process);
  }
  if (!handles->empty()) is_forked_child = true;
}

}  // namespace

void close_session(SessionLink& link) {
  session_nurseries().forget(link.request());
  link.close();
}

namespace {

void finalize(SEXP handle) {
  handles->erase(handle);
  SessionLink* link = link_of(handle);
  if (link != nullptr) close_session(*link);
  delete link;
  R_ClearExternalPtr(handle);
}

}  // namespace

SEXP session_to_r(MainThread& main, std::unique_ptr<SessionLink> link) {
  static const bool is_registered = ::pthread_atfork(nullptr, nullptr, after_fork_in_child) == 0;
  if (!is_registered) throw EngineError(system_error("cannot register what to do at a fork"));
  SEXP handle = r_call(main, [&] {
    SEXP made = PROTECT(R_MakeExternalPtr(nullptr, R_NilValue, R_NilValue));
    R_RegisterCFinalizer(made, finalize);
    UNPROTECT(1);
    return made;
  });
  R_SetExternalPtrAddr(handle, link.release());
  handles->insert(handle);
  return handle;
}

SessionLink& session_from(MainThread&, SEXP handle) {
  SessionLink* link = TYPEOF(handle) == EXTPTRSXP ? link_of(handle) : nullptr;
  if (link == nullptr) {
    throw EngineError({ErrorCode::Closed,
                       "this session belongs to another R process: it was saved and loaded, and "
                       "cannot be used here"});
  }
  if (is_forked_child && !link->channel().is_open()) {
    throw EngineError({ErrorCode::Forked,
                       "this process was forked from the owner of the session: use the session "
                       "there, or start a new one here"});
  }
  return *link;
}

void guard_process(MainThread&, SEXP handle, SEXP process) {
  R_SetExternalPtrProtected(handle, process);
}

}  // namespace elsewhere
