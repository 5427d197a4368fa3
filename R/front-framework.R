# Our engine as a backend of the future package: plan() of that package takes
# `pool`, and future.apply, furrr, doFuture, targets and progressr run on it.
# That package makes the futures; what is here starts them and hands back what
# they come to. Its contract of version 1.40 and later is a factory that makes
# a backend; before, a function that makes a future of its own.

#' Let the future package evaluate on elsewhere's workers
#'
#' `future::plan(elsewhere::pool, workers = 2)` evaluates the futures of the
#' future package in background R processes of elsewhere. Packages that build on
#' future, such as future.apply, furrr, doFuture and targets, run there
#' unchanged.
#'
#' @details
#' Workers start with the first future, are replaced when they die, and end with
#' the next `future::plan()`. Globals, conditions, output, random numbers and
#' warnings are handled as in the future package.
#'
#' Four further arguments of `future::future()` are passed on to the engine:
#' `timeout` (seconds), `retries`, `priority` and `label`; see [future()].
#'
#' Under elsewhere's own [plan()], `pool` means [multisession].
#'
#' @param ... For a direct call: an expression and further arguments of
#'   `future::Future()`. In `future::plan()`: further arguments of
#'   `future::FutureBackend()`, such as `maxSizeOfObjects`.
#' @param workers,queue,rscript_libs As in [multisession()], but 1 worker is one
#'   background process.
#' @param setup A quoted expression that each worker evaluates in its workspace
#'   when it starts, or `NULL` (default).
#' @param threads As in [multisession()].
#' @param lazy `FALSE` (default) starts the future of a direct call at once.
#' @return Called directly: a `Future` of the future package.
#' @section Errors:
#' * `elsewhere_bad_argument`: an argument is invalid.
#' * `FutureInterruptError`, raised by `future::value()`: the worker died, the
#'   future was canceled, or the plan was changed.
#' @examples
#' \donttest{
#' if (requireNamespace("future", quietly = TRUE)) {
#'   old <- future::plan(elsewhere::pool, workers = 2)
#'   f <- future::future(Sys.getpid())
#'   print(future::value(f) != Sys.getpid())
#'   future::plan(old)
#' }
#' }
#' @usage pool(..., workers = availableCores(), queue = 0,
#'   rscript_libs = .libPaths(), setup = NULL, threads = NULL, lazy = FALSE)
#' @export
pool <- structure(
  function(..., workers = availableCores(), queue = 0,
           rscript_libs = .libPaths(), setup = NULL, threads = NULL,
           lazy = FALSE) {
    caller <- parent.frame()
    backend <- direct_framework_backend(
      list(workers = workers, queue = queue, rscript_libs = rscript_libs,
           setup = setup, threads = threads)
    )
    direct_framework_future(
      backend, substitute(list(...)), caller, lazy, ...
    )
  },
  class = c("pool", "multiprocess", "future", "function"),
  init = TRUE,
  tweakable = c(
    "workers", "queue", "rscript_libs", "setup", "threads", "earlySignal", "gc",
    "maxSizeOfObjects", "interrupts", "hooks", "wait.timeout",
    "wait.interval", "wait.alpha", "split"
  ),
  # Both call functions that are defined further down.
  factory = function(...) framework_backend(...),
  cleanup = function() stop_framework_backends()
)

framework <- new.env(parent = emptyenv())
framework$backends <- list()  # of direct calls and of the former contract

# The backend: an environment, whose `engine` is made with its first future.
framework_backend <- function(..., workers = availableCores(), queue = 0,
                              rscript_libs = .libPaths(), setup = NULL,
                              threads = NULL) {
  workers <- check_workers(workers)
  queue <- check_queue(queue)
  libraries <- check_libraries(rscript_libs)
  if (!is.null(setup) && !is.language(setup)) {
    abort_argument("setup", "a quoted expression or `NULL`", setup)
  }
  namespace <- asNamespace("future")
  make <- get0("MultiprocessFutureBackend", namespace, mode = "function")
  # Before there were backends, a plain environment does.
  backend <- if (is.null(make)) {
    new.env(parent = emptyenv())
  } else {
    make(...)
  }
  settings <- list(
    workers = as.integer(workers), queue = queue, rscript_libs = libraries,
    setup = setup, threads = check_threads(threads, workers), engine = NULL,
    active = list(),
    futureClasses = c("PoolFuture", "MultiprocessFuture", "Future")
  )
  for (name in names(settings)) assign(name, settings[[name]], envir = backend)
  class(backend) <- c("PoolFutureBackend", class(backend))
  backend
}

# What starts tasks: the part that backends of our own plans have, too.
framework_engine <- function(backend) {
  engine <- backend[["engine"]]
  if (!is.null(engine) && engine$owner == Sys.getpid()) return(engine)
  engine <- new.env(parent = emptyenv())
  engine$libraries <- backend[["rscript_libs"]]
  engine$steps <- list(list(expr = framework_setup(backend[["setup"]])))
  engine$nested <- new_stack(list(sequential))
  engine$owner <- Sys.getpid()
  engine$options <- forwarded_options()
  engine$threads <- backend[["threads"]]
  setup <- worker_setup(engine)
  setup$functions <- shipped$framework
  engine$pool <- pool_start(
    backend[["workers"]], setup, variables = start_variables(engine$threads)
  )
  backend[["engine"]] <- engine
  engine
}

# A worker follows its owner's plan, not what the environment says.
framework_setup <- function(setup) {
  bquote({
    Sys.unsetenv("R_FUTURE_PLAN")
    options(future.startup.script = FALSE)
    .(setup)
  })
}

framework_stop <- function(backend) {
  engine <- backend[["engine"]]
  if (!is.null(engine) && engine$owner == Sys.getpid()) pool_stop(engine$pool)
  backend[["engine"]] <- NULL
  backend[["active"]] <- list()
}

stop_framework_backends <- function() {
  for (backend in framework$backends) framework_stop(backend)
  framework$backends <- list()
  invisible(TRUE)
}

# Backends of direct calls stay for the next such call.
direct_framework_backend <- function(settings) {
  for (backend in framework$backends) {
    if (identical(backend[["asked"]], settings)) return(backend)
  }
  backend <- do.call(framework_backend, settings, quote = TRUE)
  backend[["asked"]] <- settings
  framework$backends <- c(framework$backends, list(backend))
  backend
}

# `written` is the call list(...) as it stands in the caller.
direct_framework_future <- function(backend, written, caller, lazy, ...,
                                    substitute = TRUE, envir = caller) {
  check_flag(lazy, "lazy")
  expression <- if (substitute) {
    given <- as.list(written)[-1L]
    named <- names(given)
    first <- if (is.null(named)) 1L else match("expr", named, match("", named))
    given[[first]]
  }
  make <- function(expr = NULL, globals = TRUE, ...) {
    if (substitute) expr <- expression
    future::Future(
      expr, substitute = FALSE, envir = envir, globals = globals, lazy = lazy,
      ...
    )
  }
  # With an expression in place of a value, that value is never asked for.
  future <- make(...)
  class(future) <- backend[["futureClasses"]]
  future[["backend"]] <- backend
  future[["direct"]] <- TRUE
  if (!lazy) future <- framework_launch(backend, future)
  future
}

# S3 methods for the generics of the future package, registered when that is
# loaded: which of these there are depends on its version.
framework_methods <- list(
  launchFuture.PoolFutureBackend = function(backend, future, ...) {
    framework_launch(backend, future)
  },
  listFutures.PoolFutureBackend = function(backend, ...) {
    list_framework_futures(backend)
  },
  interruptFuture.PoolFutureBackend = function(backend, future, ...) {
    framework_interrupt(future)
  },
  stopWorkers.PoolFutureBackend = function(backend, interrupt = TRUE, ...) {
    if (interrupt) {
      for (future in framework_active(backend)) framework_interrupt(future)
    }
    framework_stop(backend)
    TRUE
  },
  nbrOfWorkers.PoolFutureBackend = function(evaluator) {
    evaluator[["workers"]]
  },
  nbrOfFreeWorkers.PoolFutureBackend = function(evaluator, background = FALSE,
                                                ...) {
    framework_free(evaluator)
  },
  nbrOfWorkers.pool = function(evaluator) framework_workers(evaluator),
  nbrOfFreeWorkers.pool = function(evaluator, background = FALSE, ...) {
    backend <- attr(evaluator, "backend")
    if (is.null(backend)) {
      framework_workers(evaluator)
    } else {
      framework_free(backend)
    }
  },
  run.PoolFuture = function(future, ...) {
    if (future[["state"]] != "created") {
      stop(future::FutureError(sprintf(
        paste0(
          "A future can only be launched once, but %s is %s. Call reset() to ",
          "run it again."
        ),
        framework_label(future), sQuote(future[["state"]], FALSE)
      ), future = future))
    }
    framework_launch(future[["backend"]], future)
  },
  resolved.PoolFuture = function(x, ...) framework_resolved(x, ...),
  result.PoolFuture = function(future, ...) framework_result(future),
  # A backend holds what cannot travel, and a future holds its backend.
  getFutureBackendConfigs.PoolFuture = function(future, ...) list()
)

# Futures of our own that are given to the future package's functions.
own_methods <- list(
  value.elsewhere_future = function(future, ...) value(future, ...),
  resolved.elsewhere_future = function(x, ...) resolved(x, ...),
  result.elsewhere_future = function(future, ...) result(future, ...),
  run.elsewhere_future = function(future, ...) run_future(future),
  cancel.elsewhere_future = function(x, ...) cancel(x, ...),
  reset.elsewhere_future = function(x, ...) reset(x, ...)
)

framework_workers <- function(evaluator) {
  workers <- formals(evaluator)[["workers"]]
  workers <- eval(workers, topenv())
  as.integer(check_workers(workers))
}

framework_free <- function(backend) {
  engine <- backend[["engine"]]
  if (is.null(engine)) return(backend[["workers"]])
  min(backend[["workers"]], pool_free(engine$pool))
}

# Futures that have not settled, as far as somebody still holds them.
framework_active <- function(backend) {
  active <- Filter(function(future) {
    task <- future[["task"]]
    !is.null(task) && !task_settled(task)
  }, backend[["active"]])
  backend[["active"]] <- active
  active
}

list_framework_futures <- function(backend) {
  futures <- backend[["active"]]
  field <- function(name, otherwise) {
    vapply(futures, function(future) {
      value <- future[[name]]
      if (is.null(value)) otherwise else value[[length(value)]]
    }, otherwise)
  }
  data <- data.frame(
    counter = suppressWarnings(as.integer(vapply(futures, function(future) {
      as.character(future[["uuid"]][[length(future[["uuid"]])]])
    }, ""))),
    start = as.double(field("start", NA_real_)),
    label = field("label", NA_character_),
    resolved = vapply(futures, function(future) {
      is.null(future[["task"]]) || task_settled(future[["task"]])
    }, NA)
  )
  data[["future"]] <- lapply(futures, list)
  data
}

register_framework <- function(...) {
  namespace <- asNamespace("future")
  methods <- c(framework_methods, own_methods)
  for (name in names(methods)) {
    generic <- sub("[.].*", "", name)
    if (!exists(generic, namespace, mode = "function", inherits = FALSE)) next
    registerS3method(
      generic, sub("^[^.]*[.]", "", name), methods[[name]],
      envir = namespace
    )
  }
}

# Registered now if the future package is loaded, and whenever it will be.
follow_framework <- function() {
  if (isNamespaceLoaded("future")) register_framework()
  setHook(packageEvent("future", "onLoad"), register_framework)
}
