#' Get the calls that led to the error of a future
#'
#' @param future A `Future` that failed, or a variable or element that was
#'   assigned by [`%<-%`]; its value is not read.
#' @param envir An environment: where to look for such a variable. Default: the
#'   caller's environment.
#' @param ... Not used.
#' @return A list of calls in the worker, outermost first, from the future's
#'   expression to the error.
#' @section Errors:
#' * `FutureError`: the future has no error, or has not settled.
#' * `elsewhere_bad_argument`: `future` is not a future.
#' @examples
#' f <- future(log("a"))
#' try(value(f))
#' backtrace(f)
#' @export
backtrace <- function(future, envir = parent.frame(), ...) {
  behind <- future_behind(substitute(future), envir)
  if (!is.null(behind)) future <- behind
  if (!inherits(future, "Future")) abort_argument("future", "a future", future)
  refuse <- function(why) {
    stop(new_future_error(sprintf(
      "There is no backtrace: %s.", sprintf(why, describe_future(future))
    ), NULL, future = future))
  }
  if (!resolved(future)) {
    refuse("future %s has not settled; wait for it with resolve()")
  }
  outcome <- await_outcome(future)
  if (!isTRUE(outcome$failed)) {
    refuse("the expression of future %s raised no error")
  }
  calls <- outcome$conditions[[length(outcome$conditions)]]$calls
  lapply(calls, function(call) {
    attr(call, "srcref") <- NULL
    call
  })
}
