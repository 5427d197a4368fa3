# The future object: one environment, whose fields are read where they are used.

#' Create a future
#'
#' Starts evaluating `expr` where [plan()] says, and returns at once. [value()]
#' returns the value; it waits if necessary.
#'
#' @details
#' The globals of `expr` are found by looking at its code. They are copied when
#' the future is created: later changes do not affect the future. Assignments in
#' `expr` have no effect outside of it. Output and conditions are relayed by
#' [value()]. If all workers of the plan are busy, `future()` waits for one;
#' under `plan(multisession, queue = Inf)` it never waits.
#'
#' @param expr An expression.
#' @param envir An environment: where globals are looked up. Default: the
#'   caller's environment.
#' @param substitute `TRUE` (default) uses the argument `expr` as it is written;
#'   `FALSE` uses its value, a call or an expression.
#' @param lazy `TRUE` starts the evaluation only when [value()] or [resolved()]
#'   asks for it. Default: `FALSE`.
#' @param seed `FALSE` (default): no seed, and a warning if random numbers are
#'   drawn anyway. `TRUE`: a separate stream, which depends only on
#'   [set.seed()]. One integer, or seven (a seed of kind `"L'Ecuyer-CMRG"`):
#'   that seed. `NULL`: no seed and no warning.
#' @param globals `TRUE` (default) finds the globals. `FALSE`: none. A character
#'   vector: those names. A named list: those values.
#'   `structure(TRUE, add =, ignore =)` adds names or values and leaves out
#'   names.
#' @param packages Character vector of packages to attach before evaluation, or
#'   `NULL` (default): only those that the globals need.
#' @param stdout `TRUE` (default) captures standard output, and [value()] prints
#'   it; `FALSE` drops it; `NA` does not capture it.
#'   `structure(TRUE, drop = TRUE)` keeps it until it has been printed once.
#'   `structure(TRUE, live = TRUE)` does not keep it: [value()] and [resolved()]
#'   print each line as soon as it arrives; not under [multicore].
#' @param conditions Character vector of condition classes to capture and relay.
#'   Default: all. `structure("condition", exclude = "message")` leaves some
#'   out; `character(0)` silences all; `NULL` does not capture any.
#' @param label One string that names the future in messages, or `NULL`.
#' @param gc `TRUE` collects garbage in the worker after each value. Default:
#'   `FALSE`.
#' @param earlySignal `TRUE` lets [resolved()] signal conditions, too. Default:
#'   `FALSE`.
#' @param timeout One number: how many seconds the evaluation may take. `Inf`
#'   (default): no limit.
#' @param retries One whole number: how often the evaluation is started again
#'   when its worker dies. Default: 0. Errors of `expr` itself are never
#'   retried.
#' @param priority One whole number: queued futures with a higher priority start
#'   earlier. Default: 0.
#' @param ... Further named values are stored as fields of the future.
#' @return An environment of class `Future`.
#' @section Errors:
#' * `elsewhere_bad_argument`: an argument is invalid.
#' * `FutureError`: a global cannot be sent or is too large, or `globals` names
#'   something that does not exist. If an object cannot be sent to another
#'   process, or cannot be sent back as part of the value, the error also has
#'   class `elsewhere_cannot_travel`. Its field `path` says where the object is
#'   (`model$ptr`), `reference_class` what it is, and `holder_class`, if it is
#'   part of an object, the class of that object.
#' * `FutureLaunchError`: the evaluation could not be started.
#' @examples
#' plan(sequential)
#' a <- 2
#' f <- future(a * 21)
#' value(f)
#' @export
future <- function(expr, envir = parent.frame(), substitute = TRUE,
                   lazy = FALSE, seed = FALSE, globals = TRUE, packages = NULL,
                   stdout = TRUE, conditions = "condition", label = NULL,
                   gc = FALSE, earlySignal = FALSE, timeout = Inf,
                   retries = 0L, priority = 0L, ...) {
  if (substitute) expr <- substitute(expr)
  asked <- if (isTRUE(getOption("future.journal"))) Sys.time()
  if (length(waiting_options <- plans$disposable)) {
    plans$disposable <- NULL
    arguments <- c(
      list(expr = expr, envir = envir, substitute = FALSE), waiting_options
    )
    return(do.call(future, arguments, quote = TRUE))
  }
  backend <- current_backend()
  settings <- .subset2(backend, "future_settings")
  if (missing(lazy)) lazy <- settings$lazy
  # With nothing but an expression there is nothing to check.
  future <- if (nargs() == 1L) {
    needs <- .Call(ew_find_globals, expr, envir, TRUE)
    if (length(needs$missing)) signal_missing_globals(needs$missing)
    new_object(backend, expr, needs, settings)
  } else {
    check_future_arguments(
      lazy, stdout, conditions, label, timeout, retries, gc, earlySignal,
      priority
    )
    new_future(
      backend, expr, envir, lazy, seed, globals, packages,
      stdout = stdout, conditions = conditions, label = label, gc = gc,
      earlySignal = earlySignal, timeout = timeout, retries = retries,
      priority = priority, ...
    )
  }
  if (!is.null(asked)) note_event(future, "create", "overhead", asked)
  if (!lazy) {
    launch(future, backend)
    # One that is elsewhere signals when it is looked at.
    if (.subset2(future, "settings")$earlySignal &&
      !is.null(.subset2(future, "outcome"))) {
      signal_early(future)
    }
  }
  future
}

check_future_arguments <- function(lazy, stdout, conditions, label, timeout,
                                   retries, gc = FALSE, earlySignal = FALSE,
                                   priority = 0L) {
  check_flag(lazy, "lazy")
  check_flag(gc, "gc")
  check_flag(earlySignal, "earlySignal")
  if (!is.logical(stdout) || length(stdout) != 1L) {
    abort_argument("stdout", "`TRUE`, `FALSE` or `NA`", stdout)
  }
  if (!is.null(conditions) && !is.character(conditions)) {
    abort_argument("conditions", "condition classes or `NULL`", conditions)
  }
  if (!is.null(label)) check_string(label, "label")
  check_seconds(timeout, "timeout")
  check_retries(retries)
  check_priority(priority)
}

check_retries <- function(retries) {
  is_count <- is_whole_number(retries) && retries >= 0
  if (!is_count) {
    abort_argument("retries", "one whole number, 0 or more", retries)
  }
}

check_priority <- function(priority) {
  if (!is_whole_number(priority)) {
    abort_argument("priority", "one whole number", priority)
  }
}

# Makes a future that is not started. The globals are taken now.
new_future <- function(backend, expr, envir, lazy = FALSE, seed = FALSE,
                       globals = TRUE, packages = NULL, ...) {
  needs <- future_globals(expr, envir, globals, packages)
  check_rng <- identical(seed, FALSE)
  future <- make_future(
    backend, expr, needs, lazy, if (!check_rng) future_seed(seed),
    check_rng, ...
  )
  if (!isTRUE(globals)) set_field(future, "has_given_globals", TRUE)
  future
}

# `needs` is what future_globals() answers; `seed` is seven integers or NULL.
make_future <- function(backend, expr, needs, lazy, seed, check_rng,
                        stdout = TRUE, conditions = "condition", label = NULL,
                        gc = FALSE, earlySignal = FALSE, timeout = Inf,
                        retries = 0L, priority = 0L, split = FALSE, ...) {
  defaults <- .subset2(backend, "future_settings")
  if (is.null(label)) label <- defaults$label
  settings <- list(
    lazy = lazy, check_rng = check_rng, stdout = stdout,
    conditions = conditions, label = label, gc = gc,
    earlySignal = earlySignal || defaults$earlySignal,
    timeout = timeout, retries = retries, priority = priority
  )
  if (split) settings$split <- TRUE
  future <- new_object(backend, expr, needs, settings)
  if (!is.null(seed)) set_field(future, "seed", seed)
  if (...length()) list2env(list(...), envir = future)
  future
}

# The object, with few fields: a thousand futures are looked at by each garbage
# collection. A field that is not there reads as NULL. The parent is the
# namespace, so that a future that is read from a file, or arrives in a worker,
# brings the package with it.
new_object <- function(backend, expr, needs, settings = default_settings) {
  plans$created <- number <- plans$created + 1L
  .Call(
    ew_new_future, expr, needs, settings, number, session_id(),
    .subset2(backend, "future_class"), topenv()
  )
}

#' @export
`$.elsewhere_future` <- function(x, name) {
  switch(name,
    uuid = future_uuid(x),
    globals = as_future_globals(.subset2(x, "globals")),
    result = peek_result(x),
    state = current_state(x),
    seed = if (is.null(.subset2(x, "seed"))) {
      if (.subset2(x, "settings")$check_rng) FALSE
    } else {
      .subset2(x, "seed")
    },
    start = if (!is.null(.subset2(x, "start"))) .POSIXct(.subset2(x, "start")),
    if (name %in% names(default_settings)) {
      .subset2(x, "settings")[[name]]
    } else {
      .subset2(x, name)
    }
  )
}

# A list that was looked at leaves outcomes where they are.
current_state <- function(future) {
  if (identical(.subset2(future, "state"), "running") &&
    !is.null(.subset2(future, "task")) &&
    !.subset2(future, "settings")$earlySignal &&
    .Call(ew_futures_settled, list(future), 1L, session_id()) == 2L) {
    resolved(future)
  }
  .subset2(future, "state")
}

#' @export
`[[.elsewhere_future` <- function(x, i, ...) {
  if (is.character(i)) `$.elsewhere_future`(x, i) else .subset2(x, i)
}

# Other code reads the state, so an invalid one is reported, as option
# `future.state.onInvalid` says.
#' @export
`$<-.elsewhere_future` <- function(x, name, value) {
  is_wrong <- name == "state" && !is_state(value)
  if (is_wrong) signal_invalid_state(x, value)
  assign(name, value, envir = x)
  invisible(x)
}

#' @export
`[[<-.elsewhere_future` <- function(x, i, value) {
  `$<-.elsewhere_future`(x, i, value)
}

is_state <- function(value) {
  is.character(value) && length(value) == 1L &&
    value %in% c(names(state_words), "submitted")
}

signal_invalid_state <- function(future, value) {
  action <- getOption("future.state.onInvalid", "warning")
  if (action == "ignore") return()
  text <- sprintf(
    "%s is not a valid state for future %s. %s", describe_value(value),
    describe_future(future), future_origin(future)
  )
  if (action == "error") stop(FutureError(text, future = future))
  warning(FutureWarning(text, future = future))
}

# run() of a future, which R/async-collect.R exports: starts one that is lazy.
#' @exportS3Method NULL
run_future.elsewhere_future <- function(future) {
  if (.subset2(future, "state") != "created") {
    stop(new_future_error(sprintf(
      paste0(
        "A future can only be launched once, but %s is %s. Call reset() to ",
        "run it again. %s"
      ),
      describe_future(future), sQuote(.subset2(future, "state"), FALSE),
      future_origin(future)
    ), NULL, future = future))
  }
  launch(future, current_backend())
  invisible(future)
}

#' Create a future without starting it
#'
#' The low-level constructor behind [future()], for packages that build on
#' futures. The future starts at [run()], [value()] or [resolved()], under the
#' plan that is current at that time.
#'
#' @inheritParams future
#' @param expr An expression. Default: `NULL`.
#' @param globals As in [future()], but the default is an empty list: the code
#'   is not searched.
#' @return A `Future` in state `"created"`.
#' @inheritSection future Errors
#' @examples
#' f <- Future(a + 1, globals = list(a = 41))
#' value(f)
#' @rdname future_constructor
#' @export
Future <- function(expr = NULL, envir = parent.frame(), substitute = TRUE,
                   stdout = TRUE, conditions = "condition", globals = list(),
                   packages = NULL, seed = FALSE, lazy = FALSE, label = NULL,
                   ...) {
  if (substitute) expr <- substitute(expr)
  check_future_arguments(lazy, stdout, conditions, label, Inf, 0L)
  new_future(
    current_backend(), expr, envir, lazy, seed, globals, packages,
    stdout = stdout, conditions = conditions, label = label, ...
  )
}

#' Call a function as a future
#'
#' @param FUN A function.
#' @param args A list of its arguments, named or not. Default: none.
#' @param envir,lazy,seed,globals,packages,stdout,conditions,label,... As in
#'   [future()].
#' @return A `Future` whose value is that of `do.call(FUN, args)`.
#' @inheritSection future Errors
#' @examples
#' value(futureCall(sum, list(1, 2, 3)))
#' @export
futureCall <- function(FUN, args = list(), envir = parent.frame(),
                       lazy = FALSE, seed = FALSE, globals = TRUE,
                       packages = NULL, stdout = TRUE,
                       conditions = "condition", label = NULL, ...) {
  check_function(FUN, "FUN")
  if (!is.list(args)) abort_argument("args", "a list of arguments", args)
  here <- list2env(
    list(FUN = FUN, args = args), envir = NULL, parent = envir
  )
  if (is.character(globals) || is.list(globals)) {
    globals <- call_globals(globals, envir)
    FUN <- with_globals_below(FUN, globals)
    globals <- c(list(FUN = FUN, args = args), globals)
  } else if (isTRUE(as.vector(globals))) {
    # Taken now, and kept by the function itself: where it was made, a variable
    # may be gone before a lazy future is evaluated.
    FUN <- with_globals_below(FUN, globals_of_function(FUN))
    add <- attr(globals, "add")
    if (is.character(add)) add <- globals_by_name(add, envir)
    globals <- structure(
      globals, add = c(add, list(FUN = FUN, args = args))
    )
  } else {
    globals <- list(FUN = FUN, args = args)
  }
  future(
    quote(do.call(what = FUN, args = args)), envir = here, substitute = FALSE,
    lazy = lazy, seed = seed, globals = globals, packages = packages,
    stdout = stdout, conditions = conditions, label = label, ...
  )
}

# Globals given by hand lie in an environment between a function and its own.
with_globals_below <- function(fun, globals) {
  if (!length(globals) || is.primitive(fun)) return(fun)
  environment(fun) <- list2env(
    globals, envir = NULL, parent = environment(fun)
  )
  fun
}

globals_of_function <- function(fun) {
  if (is.primitive(fun) || isNamespace(topenv(environment(fun)))) return(NULL)
  code <- call("function", formals(fun), body(fun))
  found <- find_globals(code, environment(fun))$globals
  found[setdiff(names(found), "...")]
}

call_globals <- function(globals, envir) {
  if (is.list(globals)) return(globals)
  globals_by_name(globals, envir)
}

#' Create a future with every check left out
#'
#' As [future()], but does not look for globals and captures nothing. Use it for
#' expressions that need nothing and print nothing.
#'
#' @param expr An expression.
#' @param substitute,... As in [future()].
#' @param globals,packages,stdout,conditions,seed As in [future()], but the
#'   default is the cheapest value.
#' @return A `Future`.
#' @inheritSection future Errors
#' @examples
#' value(minifuture(1 + 1))
#' @export
minifuture <- function(expr, substitute = TRUE, globals = NULL,
                       packages = NULL, stdout = NA, conditions = NULL,
                       seed = NULL, ...) {
  if (substitute) expr <- substitute(expr)
  future(
    expr, envir = parent.frame(), substitute = FALSE,
    globals = if (is.null(globals)) FALSE else globals, packages = packages,
    stdout = stdout, conditions = conditions, seed = seed, ...
  )
}
