# What every worker of a plan does once, before its first future.

#' Do something in every worker
#'
#' `everywhere(expr)` evaluates `expr` once in each worker of the plan that
#' rules, and in each that replaces one: to attach packages, set options, or
#' make what all futures use, such as a connection to a database or a model.
#'
#' @details
#' The workers are those that are there: what earlier calls, the `setup` of the
#' plan and packages have made in them stays. What `expr` assigns can be used by
#' futures; it is not part of the workspace, which is emptied after each. A
#' worker that starts later does, in order, the `setup` and what all calls have
#' asked for, before its first future.
#'
#' The call waits for the workers that are free. One that is busy evaluates
#' `expr` as soon as it has finished its future, before any other; should it
#' fail there, the next future that is created says so by a warning. Under
#' [sequential] and [multicore], `expr` is evaluated in the workspace of this
#' process.
#'
#' @param expr An expression. Globals are found and sent, as for [future()].
#' @param envir An environment: where globals are looked up. Default: the
#'   caller's.
#' @param substitute `TRUE` (default) takes `expr` as it is written; `FALSE`
#'   takes its value, a call or an expression.
#' @param packages Character vector of packages to attach first. Default: only
#'   those that the globals need.
#' @return `NULL`, invisibly, when all workers that were free have done it.
#' @section Errors:
#' * `FutureLaunchError`: `expr` failed in a worker, or one ended while it
#'   evaluated it; the message says which, why and what it printed. Field
#'   `failures` is a data frame with `pid`, `message` and `printed` of each.
#'   Workers that start later are not asked to do it; what it has done in the
#'   others stays.
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
