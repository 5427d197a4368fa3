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
  backend <- current_backend()
  if (is.null(backend$pool) && is.null(backend$nodes)) {
    eval(expr, globalenv())
    return(invisible())
  }
  step <- setup_step(expr, envir, packages)
  if (!is.null(backend$nodes)) {
    nodes_do(backend, step)
    return(invisible())
  }
  last <- run_errands(backend, step, 0)
  # Only what did well is asked of workers that start later, so that none of
  # them dies of it; some may have come meanwhile.
  backend$steps <- c(backend$steps, list(step))
  set_worker_setup(backend)
  run_errands(backend, step, last)
  invisible()
}

# Asks the workers that came after the one with number `after`, and waits for
# those that were free. The number of the last worker.
run_errands <- function(backend, step, after) {
  asked <- .Call(
    ew_pool_everywhere, backend$pool, list(step = step), after
  )
  former <- backend$errands
  # Who drops a task interrupts it, and this wait may be left by Ctrl-C.
  backend$errands <- c(former, asked$tasks)
  free <- asked$tasks[!asked$was_busy]
  tasks_wait(free)
  errands <- c(former, asked$tasks[asked$was_busy])
  backend$errands <- if (length(errands)) errands
  failures <- errand_failures(free)
  broken <- pool_status(backend$pool)$broken
  if (nrow(failures) || !is.null(broken)) {
    stop(FutureLaunchError(
      paste("`everywhere()` failed:", describe_failures(failures, broken)),
      failures = failures
    ))
  }
  asked$last
}

set_worker_setup <- function(backend) {
  setup <- worker_setup(backend)
  setup$in_pool <- TRUE
  remote <- backend$remote
  .Call(
    ew_pool_set_setup, backend$pool, setup,
    if (!is.null(remote)) remote_setup(setup, remote)
  )
}

# What has come of settled tasks that each had a step to do: a data frame of
# those that failed. A worker that has left has been replaced by one that does
# it first of all.
errand_failures <- function(tasks) {
  outcomes <- lapply(tasks, task_outcome)
  is_done <- vapply(outcomes, function(outcome) {
    outcome$kind == "cancelled" ||
      (outcome$kind == "value" && !length(outcome$value))
  }, NA)
  rows <- lapply(outcomes[!is_done], function(outcome) {
    told <- if (outcome$kind == "value") outcome$value else outcome
    data.frame(
      pid = outcome$pid, message = told$message,
      printed = if (is.null(told$printed)) "" else told$printed
    )
  })
  if (length(rows)) return(do.call(rbind, rows))
  data.frame(pid = integer(), message = character(), printed = character())
}

describe_failures <- function(failures, broken = NULL) {
  texts <- sprintf(
    "in worker %d: %s%s", failures$pid, failures$message,
    ifelse(
      nzchar(failures$printed), paste0("\nIt printed:\n", failures$printed), ""
    )
  )
  paste(c(texts, broken), collapse = "\n")
}

# Steps that workers had to put off may have failed meanwhile.
warn_of_errands <- function(backend) {
  errands <- .subset2(backend, "errands")
  is_over <- vapply(errands, task_settled, NA)
  backend$errands <- if (!all(is_over)) errands[!is_over]
  failures <- errand_failures(errands[is_over])
  if (!nrow(failures)) return()
  warning(warningCondition(
    paste(
      "`everywhere()` failed in a worker that was busy when it was called,",
      describe_failures(failures)
    ),
    class = "elsewhere_everywhere_failed", failures = failures
  ))
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

# What makeClusterPSOCK() knows by these names. A variable without a name is
# that of this process.
startup_steps <- function(tweaks) {
  variables <- tweaks$rscript_envs
  code <- tweaks$rscript_startup
  steps <- list()
  if (!is.null(variables)) {
    if (!is.character(variables) || anyNA(variables)) {
      abort_argument("rscript_envs", "a named character vector", variables)
    }
    is_named <- nzchar(names(c(variables, x = "")))[seq_along(variables)]
    same <- variables[!is_named]
    set <- c(variables[is_named], Sys.getenv(same, names = TRUE))
    steps <- list(as.call(c(quote(Sys.setenv), as.list(set))))
  }
  if (is.character(code)) {
    code <- as.call(c(quote(`{`), as.list(parse(text = code))))
  }
  if (!is.null(code)) {
    if (!is.language(code)) {
      abort_argument("rscript_startup", "a string or quoted code", code)
    }
    steps <- c(steps, list(code))
  }
  lapply(steps, setup_step, globalenv())
}

setup_step <- function(expr, envir, packages = NULL) {
  needs <- future_globals(expr, envir, TRUE, packages)
  found <- find_reference(as.list(needs$globals), "")
  if (is.null(found)) found <- find_reference(expr, "expr")
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
        "a named vector of numbers above 0, with names among `tasks`, `age` ",
        "and `memory`"
      ),
      recycle
    )
  }
  limits[names(recycle)] <- recycle
  unname(pmax(limits, c(1, 0, 0)))
}
