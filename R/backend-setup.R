# What a worker does before its first future: steps.

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

# What makeClusterPSOCK() knows by this name.
startup_steps <- function(tweaks) {
  code <- tweaks$rscript_startup
  if (is.null(code)) return(list())
  if (is.character(code)) {
    code <- as.call(c(quote(`{`), as.list(parse(text = code))))
  }
  if (!is.language(code)) {
    abort_argument("rscript_startup", "a string or quoted code", code)
  }
  list(setup_step(code, globalenv()))
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
