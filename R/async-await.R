# What can be awaited. promises' generic as.promise() decides, so that any
# package can teach its class to be awaited; what has no method is its own
# value.

as_awaitable <- function(value) {
  if (inherits(value, "promise")) return(value)
  if (has_as_promise(value)) promises::as.promise(value) else value
}

has_as_promise <- function(value) {
  classes <- .class2(value)
  home <- asNamespace("promises")
  for (class in classes) {
    method <- utils::getS3method("as.promise", class,
      optional = TRUE, envir = home
    )
    if (!is.null(method)) return(TRUE)
  }
  FALSE
}

# Converts a fulfilled promise of the promises package into one of ours, because
# its then() costs twenty times as much as the wait. Returns any other promise
# as it is; and all of them, if that package one day stores the value elsewhere.
fulfilled_as_native <- function(promise) {
  behind <- attr(promise, "promise_impl", exact = TRUE)
  if (!is.environment(behind)) return(promise)
  private <- behind[[".__enclos_env__"]]$private
  known <- is.environment(private) && identical(private$state, "fulfilled") &&
    exists("value", private, inherits = FALSE)
  if (!known) return(promise)
  made <- pending_promise()
  .Call(ew_promise_resolve, made, private$value, TRUE)
  made
}

# The coroutine goes on from promises' own callback.
await_foreign <- function(promise, coroutine, wait) {
  fail <- function(reason) .Call(ew_async_wake, coroutine, wait, TRUE, reason)
  # The task has remembered its domain itself.
  tryCatch(
    without_domain(promises::then(
      promise,
      function(value, .visible) {
        .Call(ew_async_wake, coroutine, wait, FALSE, value)
      },
      fail
    )),
    error = function(error) later::later(function() fail(error))
  )
}

# One run of a task up to its next pause: an error that its code does not catch
# ends it.
run_guarded_task <- function(coroutine) {
  frame <- environment()
  on.exit(.Call(ew_async_left, coroutine))
  withCallingHandlers(
    .Call(ew_async_run, coroutine),
    error = function(condition) {
      .Call(ew_async_fail, coroutine, condition, frame)
    },
    interrupt = function(condition) {
      .Call(ew_async_fail, coroutine, condition, frame)
    }
  )
}
