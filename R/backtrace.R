#' Get the calls that led to the error of a future
#'
#' @param future A `Future` whose value is an error.
#' @param envir,... Not used; for compatibility.
#' @return A list of calls, outermost first: those of the worker, from the
#'   future's expression to the error.
#' @section Errors:
#' * `FutureError`: the future has no error.
#' @examples
#' f <- future(log("a"))
#' try(value(f))
#' backtrace(f)
#' @export
backtrace <- function(future, envir = parent.frame(), ...) {
  outcome <- await_outcome(future)
  if (!isTRUE(outcome$failed)) {
    stop(new_future_error(sprintf(
      "There is no backtrace: the expression of future %s raised no error.",
      describe_future(future)
    ), NULL, future = future))
  }
  calls <- outcome$conditions[[length(outcome$conditions)]]$calls
  lapply(calls, function(call) {
    attr(call, "srcref") <- NULL
    call
  })
}
