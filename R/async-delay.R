#' Create a promise that is fulfilled after some time
#'
#' @param secs Seconds to wait, 0 or more. `Inf` waits until cancelled.
#' @param expr Evaluated when the time has passed; its value is the value of the
#'   promise. `NULL` by default.
#' @return A promise. An error in `expr` rejects it.
#' @section Errors:
#' * `elsewhere_bad_argument`: `secs` is not one number, 0 or more.
#' @examples
#' async(print(await(delay(0.01, "later"))))
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
delay <- function(secs, expr = NULL) {
  check_seconds(secs, "secs")
  promise <- .Call(ew_promise_new, promise_class)
  if (is.infinite(secs)) return(promise)
  evaluate <- in_this_context(function() expr)
  stop_timer <- later::later(
    function() promise_resolve_native(promise, evaluate()), secs
  )
  .Call(ew_promise_set_owner, promise, stop_timer)
  promise
}
