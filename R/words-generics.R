# What is asked of futures and of other things alike: each has its method where
# it is at home.

#' Cancel futures
#'
#' Stops futures that have not settled. Their value is a `FutureCanceledError`.
#'
#' @param x A `Future`, or a list or environment of futures.
#' @param interrupt `TRUE` (default) interrupts the evaluation. If the worker
#'   does not react within `grace`, it is killed and replaced. `FALSE` only
#'   marks the future: it is evaluated to its end and keeps its value.
#' @param grace Seconds between the interrupt and the end of the worker.
#'   Default: 2.
#' @param ... Not used.
#' @return `x`, invisibly. A future that was not started, or has settled, is
#'   unchanged.
#' @section Errors:
#' * `elsewhere_bad_argument`: `x` cannot be cancelled.
#' @examples
#' f <- future(42, lazy = TRUE)
#' cancel(f)
#' value(f)
#' @order 1
#' @export
cancel <- function(x, interrupt = TRUE, ...) UseMethod("cancel")

# run() of a future.
run_future <- function(future) UseMethod("run_future")

#' @exportS3Method NULL
run_future.default <- function(future) {
  abort_argument("future", "a future that was created lazily", future)
}
