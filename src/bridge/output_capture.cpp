#include "bridge/output_capture.h"

#include <cstdarg>
#include <cstdio>

#include <initializer_list>
#include <new>
#include <utility>

#include "bridge/guard.h"
#include "bridge/r_api.h"

// After the standard library: R's headers declare with C names.
#include <Rinternals.h>

// The header has names for its fields that C++ keeps for itself.
#define class class_of_connection
#define private private_of_connection
#include <R_ext/Connections.h>
#undef class
#undef private

#if R_CONNECTIONS_VERSION != 1
#error "R's connections have changed: see R_ext/Connections.h"
#endif

namespace elsewhere {
namespace {

constexpr int kConsole = 1;  // the connection that stdout() is without a sink
constexpr int kSinksMax = 30;

// R's connections have no place for an owner, and there is one of ours at a time.
std::string captured;
OutputCapture::Take taker;
bool is_any_running = false;
SEXP connection = nullptr;  // preserved; null when there is none, or it was closed

// The three below are called in R's C frames: nothing may be thrown through them.

void keep(const char* text, std::size_t length) noexcept {
  try {
    captured.append(text, length);
    if (taker && captured.find('\n') != std::string::npos) taker(std::exchange(captured, {}));
    return;
  } catch (const std::bad_alloc&) {
  }
  Rf_error("not enough memory to keep the output");
}

int print(Rconnection, const char* format, va_list arguments) {
  char text[8192];
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  if (length >= static_cast<int>(sizeof text)) {
    char* all = R_alloc(static_cast<std::size_t>(length) + 1, 1);
    std::vsnprintf(all, static_cast<std::size_t>(length) + 1, format, again);
    keep(all, static_cast<std::size_t>(length));
  } else if (length > 0) {
    keep(text, static_cast<std::size_t>(length));
  }
  va_end(again);
  return length;
}

std::size_t write(const void* bytes, std::size_t size, std::size_t count, Rconnection) {
  keep(static_cast<const char*>(bytes), size * count);
  return count;
}

// As by closeAllConnections() of the user's.
void forget_connection(Rconnection) {
  if (connection != nullptr) R_ReleaseObject(connection);
  connection = nullptr;
}

SEXP open_connection() {
  Rconnection own = nullptr;
  SEXP made = PROTECT(R_new_custom_connection("output of futures", "w", "elsewhere", &own));
  own->text = TRUE;
  own->isopen = TRUE;
  own->canread = FALSE;
  own->canwrite = TRUE;
  own->vfprintf = print;
  own->write = write;
  own->destroy = forget_connection;
  R_PreserveObject(made);
  UNPROTECT(1);
  return made;
}

// `.Internal(name(...))` with that many arguments inside a function of base: what is
// around it looks at its arguments first, which takes several times as long as the
// rest. Null if it is not as it was.
SEXP internal_call(SEXP code, int arguments) {
  static SEXP const internal = Rf_install(".Internal");
  if (TYPEOF(code) != LANGSXP) return nullptr;
  if (CAR(code) == internal) return Rf_length(CADR(code)) == arguments + 1 ? code : nullptr;
  SEXP found = nullptr;
  for (SEXP rest = CDR(code); rest != R_NilValue; rest = CDR(rest)) {
    if (SEXP inner = internal_call(CAR(rest), arguments)) found = inner;
  }
  return found;
}

// A function of base, preserved: its core alone where that is as known.
struct BaseFunction {
  SEXP function;
  bool is_core;
};

// `formals`, a pairlist, are the core's own.
BaseFunction base_function(const char* name, SEXP formals) {
  PROTECT(formals);
  SEXP function = PROTECT(value_in(R_BaseEnv, Rf_install(name)));
  SEXP core = internal_call(R_ClosureExpr(function), Rf_length(formals));
  if (core != nullptr) function = new_closure(formals, core, R_BaseEnv);
  R_PreserveObject(function);
  UNPROTECT(2);
  return {function, core != nullptr};
}

SEXP tagged(SEXP formals, std::initializer_list<const char*> names) {
  SEXP cell = PROTECT(formals);
  for (const char* name : names) {
    SET_TAG(cell, Rf_install(name));
    cell = CDR(cell);
  }
  UNPROTECT(1);
  return formals;
}

void close_connection() {
  static const BaseFunction close = base_function(
      "close.connection", tagged(Rf_list2(R_MissingArg, Rf_mkString("rw")), {"con", "type"}));
  SEXP call = PROTECT(Rf_lang2(close.function, connection));
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
}

const BaseFunction& sink() {
  static const BaseFunction made = base_function(
      "sink", tagged(Rf_list4(R_MissingArg, Rf_ScalarLogical(FALSE), Rf_mkString("output"),
                              Rf_ScalarLogical(FALSE)),
                     {"file", "closeOnExit", "type", "split"}));
  return made;
}

// It does not fail: there is no other sink, or we were not asked.
void put_sink(SEXP to) {
  PROTECT(to);
  SEXP call = PROTECT(Rf_lang2(sink().function, to));
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(2);
}

void take_sink() { put_sink(sink().is_core ? Rf_ScalarInteger(-1) : R_NilValue); }

int number_of_stdout() {
  static SEXP const call = [] {
    SEXP made = Rf_lang1(Rf_install("stdout"));
    R_PreserveObject(made);
    return made;
  }();
  return INTEGER(Rf_eval(call, R_BaseEnv))[0];
}

}  // namespace

bool OutputCapture::begin(MainThread& main, Take take) {
  if (is_any_running) return false;
  captured.clear();
  r_call(main, [] {
    connection = open_connection();
    put_sink(connection);
  });
  taker = std::move(take);
  is_running_ = is_any_running = true;
  return true;
}

std::string OutputCapture::end(MainThread& main) {
  if (!is_running_) return {};
  is_running_ = is_any_running = false;
  const Take take = std::exchange(taker, {});
  r_call(main, [] {
    const int own = connection == nullptr ? kConsole : INTEGER(connection)[0];
    for (int i = 0; i < kSinksMax; ++i) {
      const int top = number_of_stdout();
      if (top == kConsole) break;
      take_sink();
      if (top == own) break;
    }
    // One that stays would be in everybody's showConnections().
    if (connection != nullptr) close_connection();
  });
  if (take && !captured.empty()) take(std::exchange(captured, {}));
  return std::exchange(captured, {});
}

// The streams of R's file connections as well, so nothing of theirs may wait in a
// process that forks: see ForkedTask::start().
void flush_streams() { std::fflush(nullptr); }

}  // namespace elsewhere
