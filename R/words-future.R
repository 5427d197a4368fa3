# What every room may have to say of a future: its condition classes, its name,
# its fields. Each class is also what the same failure is called in the future
# package, so that handlers written for that package still work.

#' Conditions of futures
#'
#' Conditions that concern a future itself. Conditions that its expression
#' signals are relayed unchanged and are not among these. All inherit from
#' `FutureCondition`; errors also inherit from `elsewhere_error`.
#'
#' @details
#' * `FutureLaunchError`: the future could not be started.
#' * `FutureInterruptError`: its worker died or it was interrupted; the message
#'   names the signal and shows the last output. `FutureCanceledError` is the
#'   same after [cancel()].
#' * `FutureDroppedError`: the value was requested after `value(drop = TRUE)`.
#' * `UnexpectedFutureResultError`: the worker returned something that is not a
#'   result.
#' * `RngFutureCondition`, `GlobalEnvMisuseFutureCondition`,
#'   `ConnectionMisuseFutureCondition`, `DeviceMisuseFutureCondition` and
#'   `DefaultDeviceMisuseFutureCondition`, each as `...Warning` and `...Error`:
#'   the expression had an unwanted side effect.
#'
#' @param message One string, or a condition whose message is used.
#'   `UnexpectedFutureResultError()` also accepts a future.
#' @param hint One string to append to the message, or `NULL` (default).
#' @param call A call or `NULL` (default).
#' @param uuid The future's identifier, or `NULL` (default).
#' @param future The future, or `NULL` (default).
#' @param ... Further fields of the condition.
#' @return A condition object of the class that the function is named after.
#' @examples
#' e <- FutureError("no such worker")
#' inherits(e, "FutureCondition")
#' @name FutureCondition
#' @order 1
#' @export
FutureCondition <- function(message, call = NULL, uuid = future$uuid,
                            future = NULL, ...) {
  new_future_condition(message, NULL, call, uuid, future, ...)
}

new_future_condition <- function(message, class, call = NULL,
                                 uuid = future$uuid, future = NULL, ...) {
  if (inherits(message, "condition")) message <- conditionMessage(message)
  structure(
    class = unique(c(class, "FutureCondition", "condition")),
    list(message = as.character(message), call = call, ...),
    future = future, uuid = uuid, label = future$label,
    by = session_id(), when = Sys.time()
  )
}

#' @rdname FutureCondition
#' @order 2
#' @export
FutureMessage <- function(message, call = NULL, uuid = future$uuid,
                          future = NULL, ...) {
  new_future_condition(
    message, c("FutureMessage", "message"), call, uuid, future, ...
  )
}

#' @rdname FutureCondition
#' @order 2
#' @export
FutureWarning <- function(message, call = NULL, uuid = future$uuid,
                          future = NULL, ...) {
  new_future_condition(
    message, c("FutureWarning", "warning"), call, uuid, future, ...
  )
}

#' @rdname FutureCondition
#' @order 2
#' @export
FutureError <- function(message, call = NULL, uuid = future$uuid,
                        future = NULL, ...) {
  new_future_error(message, NULL, call, uuid, future, ...)
}

new_future_error <- function(message, class, call = NULL, uuid = future$uuid,
                             future = NULL, ...,
                             ours = "elsewhere_future_error") {
  new_future_condition(
    message, c(ours, class, "FutureError", "elsewhere_error", "error"),
    call, uuid, future, ...
  )
}

#' @rdname FutureCondition
#' @order 2
#' @export
FutureLaunchError <- function(message, call = NULL, uuid = future$uuid,
                              future = NULL, ...) {
  new_future_error(
    message, "FutureLaunchError", call, uuid, future, ...,
    ours = "elsewhere_launch"
  )
}

#' @rdname FutureCondition
#' @order 2
#' @export
FutureInterruptError <- function(message, call = NULL, uuid = future$uuid,
                                 future = NULL, ...) {
  new_future_error(
    message, "FutureInterruptError", call, uuid, future, ...,
    ours = "elsewhere_interrupted"
  )
}

#' @rdname FutureCondition
#' @order 2
#' @export
FutureCanceledError <- function(message, call = NULL, uuid = future$uuid,
                                future = NULL, ...) {
  new_future_error(
    message, c("FutureCanceledError", "FutureInterruptError"), call, uuid,
    future, ..., ours = "elsewhere_cancelled"
  )
}

#' @rdname FutureCondition
#' @order 2
#' @export
FutureDroppedError <- function(message, call = NULL, uuid = future$uuid,
                               future = NULL, ...) {
  new_future_error(
    message, "FutureDroppedError", call, uuid, future, ...,
    ours = "elsewhere_dropped"
  )
}

#' @rdname FutureCondition
#' @order 2
#' @export
UnexpectedFutureResultError <- function(message, call = NULL,
                                        uuid = future$uuid, future = NULL,
                                        ..., hint = NULL) {
  if (inherits(message, "Future")) {
    future <- message
    message <- paste(c(
      sprintf(
        "Future (%s) has no usable result.", describe_future(future)
      ),
      hint
    ), collapse = " ")
  }
  new_future_error(
    message, "UnexpectedFutureResultError", call, uuid, future, ...,
    ours = "elsewhere_unexpected_result"
  )
}

# Which future a message is about: its label, or its number.
describe_future <- function(future) {
  label <- future$label
  if (is.null(label)) {
    sprintf("<unnamed-%d>", future$number)
  } else {
    sQuote(label, FALSE)
  }
}

# Where and when a message about a future was made; ends the message.
future_origin <- function(future) {
  sprintf(
    "[future %s (%s); on %s@%s<%d> at %s]", describe_future(future),
    paste(future_uuid(future), collapse = "-"), session_id(),
    Sys.info()[["nodename"]], Sys.getpid(), format(Sys.time())
  )
}

is_future <- function(x) inherits(x, "elsewhere_future")

# The identifier of this R process. It names its owner in futures that travel.
session_id <- function() {
  id <- this_process$id
  if (is.null(id) || this_process$pid != Sys.getpid()) {
    this_process$pid <- Sys.getpid()
    this_process$id <- id <- sprintf(
      "%s-%d-%s", Sys.info()[["nodename"]], this_process$pid,
      basename(tempdir())
    )
  }
  id
}

this_process <- new.env(parent = emptyenv())
this_process$id <- NULL
this_process$pid <- 0L

future_uuid <- function(future) c(.subset2(future, "owner"), future$number)

# Futures and backends are environments with a class: `$` and `$<-` would look
# for methods each time, which costs more than the rest of a trivial future.
set_field <- function(future, name, value) {
  assign(name, value, envir = future)
}
set_fields <- function(future, values) list2env(values, envir = future)
