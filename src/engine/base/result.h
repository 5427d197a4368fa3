// What a function returns when failing is part of its job: a value, or an error
// with a code and a finished sentence for the reader. Nothing in the engine
// throws for an expected failure.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace elsewhere {

enum class ErrorCode {
  Bug,           // an invariant of ours does not hold
  BadArgument,   // the caller asked for something impossible
  System,        // the operating system refused
  Protocol,      // bytes that are no packet of ours
  Closed,        // the peer or the object is gone
  TooLarge,      // over a stated limit
  Interrupted,   // the user pressed Ctrl-C while we waited
  TimedOut,      // the time given has passed
  WorkerStart,   // a worker could not be started
  WorkerDied,    // a worker ended while it ran the task
  Cancelled,     // somebody cancelled the task
  CannotTravel,  // a value that means nothing in another process
  Forked,        // used in a forked child, where the engine does not exist
};

struct Error {
  ErrorCode code = ErrorCode::Bug;
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}
  Result(Error error) : content_(std::move(error)) {}

  bool ok() const { return std::holds_alternative<T>(content_); }
  T& value() { return std::get<T>(content_); }
  const T& value() const { return std::get<T>(content_); }
  const Error& error() const { return std::get<Error>(content_); }

 private:
  std::variant<T, Error> content_;
};

// The result of an action that has no value.
struct Done {};
using Status = Result<Done>;

// The system's words for errno, after ours: "cannot open `x`: No such file".
Error system_error(const std::string& what);

}  // namespace elsewhere
