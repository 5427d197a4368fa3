#include "bridge/output_capture.h"

#include <cstdarg>
#include <cstdio>

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

void close_connection() {
  SEXP call = PROTECT(Rf_lang2(Rf_install("close"), connection));
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
}

// `.Internal(sink(...))` inside base's sink(): the function around it looks at its
// arguments first, which takes seven times as long as the rest. Null if it is not as
// it was.
SEXP core_of_sink(SEXP code) {
  static SEXP const internal = Rf_install(".Internal");
  if (TYPEOF(code) != LANGSXP) return nullptr;
  if (CAR(code) == internal) return Rf_length(CADR(code)) == 5 ? code : nullptr;
  SEXP found = nullptr;
  for (SEXP rest = CDR(code); rest != R_NilValue; rest = CDR(rest)) {
    if (SEXP inner = core_of_sink(CAR(rest))) found = inner;
  }
  return found;
}

struct Sink {
  SEXP function;  // function(file, closeOnExit = FALSE, type = "output", split = FALSE)
  SEXP none;      // its argument to take the last one away
};

Sink base_sink() {
  SEXP function = PROTECT(value_in(R_BaseEnv, Rf_install("sink")));
  SEXP none = R_NilValue;
  if (SEXP core = core_of_sink(R_ClosureExpr(function))) {
    SEXP formals = PROTECT(Rf_list4(R_MissingArg, Rf_ScalarLogical(FALSE), Rf_mkString("output"),
                                    Rf_ScalarLogical(FALSE)));
    SEXP cell = formals;
    for (const char* name : {"file", "closeOnExit", "type", "split"}) {
      SET_TAG(cell, Rf_install(name));
      cell = CDR(cell);
    }
    function = new_closure(formals, core, R_BaseEnv);
    none = Rf_ScalarInteger(-1);
    UNPROTECT(1);
  }
  PROTECT(none);
  R_PreserveObject(function);
  R_PreserveObject(none);
  UNPROTECT(2);
  return {function, none};
}

const Sink& sink() {
  static const Sink made = base_sink();
  return made;
}

void put_sink(SEXP to) {
  SEXP call = PROTECT(Rf_lang2(sink().function, to));
  Rf_eval(call, R_BaseEnv);
  UNPROTECT(1);
}

void take_sink() { put_sink(sink().none); }

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
