# Futures that are stopped, or made new again.

#' @rdname cancel
#' @order 2
#' @export
cancel.elsewhere_future <- function(x, interrupt = TRUE, grace = 2, ...) {
  check_flag(interrupt, "interrupt")
  check_seconds(grace, "grace")
  task <- .subset2(x, "task")
  if (is.null(task) || task_settled(task)) return(invisible(x))
  x$state <- "canceled"
  if (interrupt) task_cancel(task, grace)
  invisible(x)
}

#' @export
cancel.list <- function(x, interrupt = TRUE, ...) {
  for (element in x) if (is_future(element)) cancel(element, interrupt, ...)
  invisible(x)
}

#' @export
cancel.environment <- function(x, interrupt = TRUE, ...) {
  for (name in names(x)) {
    if (startsWith(name, future_name(""))) next
    element <- element_future(name, x)
    if (is_future(element)) cancel(element, interrupt, ...)
  }
  invisible(x)
}

#' @export
cancel.listenv <- function(x, interrupt = TRUE, ...) {
  cancel.list(
    lapply(seq_along(x), function(i) listenv_future(x, i)), interrupt, ...
  )
  invisible(x)
}

#' Reset a future
#'
#' Forgets the outcome of a future, so that it can be started again.
#'
#' @param x A `Future` that is not running, or a list of them.
#' @param ... Not used.
#' @return The future, lazy and not started, with a new identifier.
#' @section Errors:
#' * `FutureError`: the future is running.
#' @examples
#' f <- future(Sys.time())
#' first <- value(f)
#' f <- reset(f)
#' value(f) > first
#' @export
reset <- function(x, ...) UseMethod("reset")

#' @export
reset.default <- function(x, ...) x

#' @export
reset.list <- function(x, ...) {
  x[] <- lapply(x, reset)
  x
}

#' @export
reset.environment <- function(x, ...) {
  for (name in names(x)) reset(element_future(name, x))
  x
}

#' @export
reset.elsewhere_future <- function(x, ...) {
  task <- .subset2(x, "task")
  if (!is.null(task) && !task_settled(task)) {
    stop(new_future_error(sprintf(
      paste0(
        "Future %s is running and cannot be reset. Wait for its value() or ",
        "cancel() it first. %s"
      ),
      describe_future(x), future_origin(x)
    ), NULL, future = x))
  }
  x$task <- NULL
  x$outcome <- NULL
  x$immediate <- NULL
  x$retries_left <- NULL
  x$backend <- NULL
  x$pid <- NULL
  settings <- .subset2(x, "settings")
  settings$lazy <- TRUE
  x$settings <- settings
  x$state <- "created"
  x$owner <- session_id()
  plans$created <- x$number <- plans$created + 1L
  x
}
