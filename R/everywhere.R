# What every worker of a plan does once, before its first future.

#' Do something in every worker
#'
#' `everywhere(expr)` evaluates `expr` once in each worker of the plan that
#' rules, and in each that replaces one: to attach packages, set options, or
#' make what all futures use, such as a connection to a database or a model.
#'
#' @details
#' The workers are replaced by fresh ones that have evaluated `expr`, after the
#' `setup` of the plan and what earlier calls asked for; a worker that is busy
#' finishes its future first. Futures created after the call are evaluated by
#' the new ones. What `expr` assigns can be used by futures; it is not part of
#' the workspace, which is emptied after each. Under [sequential] and
#' [multicore], `expr` is evaluated in the workspace of this process.
#'
#' @param expr An expression. Globals are found and sent, as for [future()].
#' @param envir An environment: where globals are looked up. Default: the
#'   caller's.
#' @param substitute `TRUE` (default) takes `expr` as it is written; `FALSE`
#'   takes its value, a call or an expression.
#' @param packages Character vector of packages to attach first. Default: only
#'   those that the globals need.
#' @return `NULL`, invisibly, when all workers have done it.
#' @section Errors:
#' * `FutureLaunchError`: `expr` failed in a worker; the message has what it
#'   printed. The workers are then as they were before the call, but fresh.
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
  backend <- current_backend()
  if (is.null(backend$pool)) {
    eval(expr, globalenv())
    return(invisible())
  }
  former <- backend$steps
  backend$steps <- c(former, list(setup_step(expr, envir, packages)))
  failure <- renew_workers(backend)
  if (is.null(failure)) return(invisible())
  backend$steps <- former
  renew_workers(backend)
  stop(FutureLaunchError(paste(
    "`everywhere()` failed in a worker, which is as it was before:", failure
  )))
}

# Fresh workers with the steps of `backend`; NULL, or why there are none.
renew_workers <- function(backend) {
  setup <- worker_setup(backend)
  setup$in_pool <- TRUE
  remote <- backend$remote
  .Call(
    ew_pool_renew, backend$pool, setup,
    if (!is.null(remote)) remote_setup(setup, remote)
  )
  state <- .Call(ew_pool_wait_for_start, backend$pool, Inf)
  if (is.character(state)) state
}

# `setup` of a strategy as a list of steps.
setup_steps <- function(setup) {
  if (is.null(setup)) return(list())
  if (is.function(setup)) {
    if (length(formals(setup)) && !identical(names(formals(setup)), "...")) {
      abort_argument("setup", "a function without arguments", setup)
    }
    here <- list2env(
      list(.setup = setup), envir = NULL, parent = globalenv()
    )
    return(list(setup_step(quote(.setup()), here)))
  }
  if (!is.language(setup)) {
    abort_argument("setup", "a function or code made by `quote()`", setup)
  }
  list(setup_step(setup, globalenv()))
}

setup_step <- function(expr, envir, packages = NULL) {
  needs <- future_globals(expr, envir, TRUE, packages)
  found <- find_reference(as.list(needs$globals), "globals")
  if (!is.null(found)) abort_cannot_travel(found, home = "FutureError")
  list(
    expr = expr, globals = needs$globals, packages = needs$packages,
    namespaces = needs$namespaces
  )
}

# Tasks, seconds, bytes; Inf where there is no limit.
check_recycle <- function(recycle) {
  limits <- c(tasks = Inf, age = Inf, memory = Inf)
  if (is.null(recycle)) return(unname(limits))
  recycle <- unlist(recycle)
  is_right <- is.numeric(recycle) && !is.null(names(recycle)) &&
    all(names(recycle) %in% names(limits)) && !anyNA(recycle) &&
    all(recycle > 0)
  if (!is_right) {
    abort_argument(
      "recycle",
      paste0(
        "a named vector of numbers over 0, with names among `tasks`, `age` ",
        "and `memory`"
      ),
      recycle
    )
  }
  limits[names(recycle)] <- recycle
  unname(pmax(limits, c(1, 0, 0)))
}
