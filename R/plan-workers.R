# How many workers the plan has, and how many are free.

#' Count the workers of a plan
#'
#' @param evaluator A strategy or a backend. Default: the current plan.
#' @param background `TRUE` counts only workers outside this process. Default:
#'   `FALSE`.
#' @param ... Not used.
#' @return `nbrOfWorkers()`: how many futures can be evaluated at the same time.
#'   `nbrOfFreeWorkers()`: how many more could be started now without waiting.
#' @section Errors:
#' * `elsewhere_bad_argument`: `evaluator` is not a strategy.
#' @examples
#' plan(sequential)
#' nbrOfWorkers()
#' @export
nbrOfWorkers <- function(evaluator = NULL) {
  as.integer(backend_from(evaluator)$workers)
}

#' @rdname nbrOfWorkers
#' @export
nbrOfFreeWorkers <- function(evaluator = NULL, background = FALSE, ...) {
  check_flag(background, "background")
  backend_from(evaluator)$free(background)
}

# Of a strategy that does not rule, one that is not opened.
backend_from <- function(evaluator) {
  if (is.null(evaluator)) return(current_backend())
  if (inherits(evaluator, "elsewhere_backend")) return(evaluator)
  current <- current_stack()[[1L]]
  strategy <- as_strategy(evaluator)
  if (is_equal_stack(list(strategy), list(current))) return(current_backend())
  new_backend(list(strategy), backend_settings(strategy))
}

#' Restart the workers of a plan
#'
#' @param x A strategy or backend. Default: the current plan.
#' @param ... Not used.
#' @return `x`, invisibly. The futures that the workers were evaluating are
#'   lost.
#' @section Errors:
#' * `elsewhere_bad_argument`: `x` is not a strategy.
#' @examples
#' resetWorkers()
#' @export
resetWorkers <- function(x = plan(), ...) {
  backend <- backend_from(x)
  if (backend$is_open) {
    backend$close()
    backend$open()
  }
  invisible(x)
}
