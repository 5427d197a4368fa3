# What every worker of a plan does once, before its first future.

#' Run code in every worker
#'
#' `everywhere(expr)` evaluates `expr` once in every worker of the current plan,
#' and in every replacement: to attach packages, set options, or create objects
#' that all futures use, such as a connection to a database or a model.
#'
#' @details
#' `expr` runs in the existing workers, so what earlier calls, the `setup` of
#' the plan and packages have created in them is kept. Futures can use what
#' `expr` assigns; these variables are not part of the workspace, which is
#' cleared after each future. A worker that starts later runs, in order, the
#' `setup` and the code of all calls, before its first future.
#'
#' The call waits for the free workers. A busy worker evaluates `expr` as soon
#' as it has finished its future, before any other. If `expr` fails there, the
#' next call of [future()] gives a warning. Under [sequential] and [multicore],
#' `expr` is evaluated in the workspace of this process.
#'
#' @param expr An expression. Globals are found and sent, as for [future()].
#' @param envir An environment: where globals are looked up. Default: the
#'   caller's environment.
#' @param substitute `TRUE` (default) uses `expr` as it is written; `FALSE` uses
#'   its value, a call or an expression.
#' @param packages Character vector of packages to attach first. Default: only
#'   those that the globals need.
#' @return `NULL`, invisibly, once all free workers have evaluated `expr`.
#' @section Errors:
#' * `FutureLaunchError`: `expr` failed in a worker, or a worker ended while
#'   evaluating it; the message says which worker, why, and shows its output.
#'   Field `failures` is a data frame with `pid`, `message` and `printed` of
#'   each. Workers that start later do not evaluate `expr`; its effects in the
#'   other workers stay.
#' @examples
#' \donttest{
#' plan(multisession, workers = 2)
#' everywhere({
#'   model <- lm(dist ~ speed, cars)
#'   options(digits = 3)
#' })
#' value(future(coef(model)))
#' plan(sequential)
#' }
#' @export
everywhere <- function(expr, envir = parent.frame(), substitute = TRUE,
                       packages = NULL) {
  if (substitute) expr <- substitute(expr)
  if (length(packages)) check_packages(packages)
  current_backend()$do(expr, envir, packages)
  invisible()
}
