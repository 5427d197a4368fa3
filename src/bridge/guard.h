// The one door between R and C++. Every function that R can call is
//
//   extern "C" SEXP ew_thing(SEXP x) {
//     return guard([&](MainThread& main) { ...; return answer; });
//   }
//
// Inside, C++ code throws EngineError for a failure, and reaches R only through
// r_call(main, ...), whose lambda holds nothing with a destructor. The door lets
// every destructor run, then resumes R's unwinding or raises an R condition.
#pragma once

#include <cpp11/protect.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "bridge/main_thread.h"
#include "engine/base/result.h"

namespace elsewhere {

// A failure on its way to R. Its code names the condition class.
class EngineError : public std::exception {
 public:
  explicit EngineError(Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  ErrorCode code() const { return error_.code; }

 private:
  Error error_;
};

template <class T>
T or_throw(Result<T> result) {
  if (!result.ok()) throw EngineError(result.error());
  return std::move(result.value());
}

class Door {
 public:
  MainThread& main() { return main_; }

 private:
  MainThread main_;
};

// What is left of a failure when every C++ object is gone: plain bytes.
struct DoorExit {
  SEXP unwind_token = nullptr;
  ErrorCode code = ErrorCode::Bug;
  char message[8192];  // filled by keep(): clearing it would cost each entry

  void keep(ErrorCode why, const char* text) {
    code = why;
    const std::size_t length = std::min(std::strlen(text), sizeof message - 1);
    std::memcpy(message, text, length);
    message[length] = 0;
  }
};
[[noreturn]] void leave_by_error(const DoorExit& exit);

template <class Body>
SEXP guard(Body&& body) {
  DoorExit exit;
  try {
    Door door;
    return std::forward<Body>(body)(door.main());
  } catch (const cpp11::unwind_exception& unwinding) {
    exit.unwind_token = unwinding.token;
  } catch (const EngineError& error) {
    exit.keep(error.code(), error.what());
  } catch (const std::exception& error) {
    exit.keep(ErrorCode::Bug, error.what());
  } catch (...) {
    exit.keep(ErrorCode::Bug, "an exception of unknown type reached the border");
  }
  leave_by_error(exit);
}

// Calls R where R may fail: an R error or any other long jump becomes a C++
// exception here and goes on as itself at the door.
template <class Call>
decltype(auto) r_call(MainThread&, Call&& call) {
  return cpp11::unwind_protect(std::forward<Call>(call));
}

// `raise` is function(class, message), which signals an error of ours. Set when
// the package is loaded; a worker, which has no package, raises plain errors.
void set_raise_function(MainThread&, SEXP raise);

}  // namespace elsewhere
