# The strategies: functions that say where futures are evaluated. Each can be
# given to plan(), and called directly to make one future.

# The bare function of a strategy, with other defaults.
with_default <- function(strategy, ...) {
  attributes(strategy) <- NULL
  defaults <- list(...)
  formals(strategy)[names(defaults)] <- defaults
  strategy
}

#' Evaluate futures in this R session
#'
#' `plan(sequential)` evaluates each future at once, in this process, one after
#' the other. `transparent` is the same, for debugging.
#'
#' @param expr An expression.
#' @param ... Further arguments of [future()].
#' @param envir,substitute As in [future()].
#' @return Called directly: a `Future`.
#' @examples
#' plan(sequential)
#' value(future(1 + 1))
#' @usage sequential(expr, ..., envir = parent.frame(), substitute = TRUE)
#' @export
sequential <- new_strategy(
  function(expr, ..., envir = parent.frame(), substitute = TRUE) {
    if (substitute) expr <- substitute(expr)
    direct_future(sys.function(), list(), expr, envir, ...)
  },
  c("sequential", "uniprocess"), common_tweaks
)

#' @rdname sequential
#' @usage transparent(expr, ..., envir = parent.frame(), substitute = TRUE)
#' @export
transparent <- new_strategy(
  function(expr, ..., envir = parent.frame(), substitute = TRUE) {
    if (substitute) expr <- substitute(expr)
    direct_future(sys.function(), list(), expr, envir, ...)
  },
  c("transparent", "sequential", "uniprocess"), common_tweaks
)

#' @rdname sequential
#' @usage uniprocess(expr, ..., envir = parent.frame(), substitute = TRUE)
#' @export
uniprocess <- sequential

#' Evaluate futures in background R sessions
#'
#' `plan(multisession, workers = 2)` evaluates futures in two background R
#' processes on this machine. [plan()] starts them. They are replaced when they
#' die, and end with this process or at the next [plan()].
#'
#' @param expr An expression.
#' @param ... Further arguments of [future()].
#' @param workers A positive number: how many futures are evaluated at the same
#'   time; or a function without arguments that returns this number. Default:
#'   all cores, [parallelly::availableCores()]. With 1, futures are lazy and are
#'   evaluated in this process; `I(1)` requests one background process.
#' @param queue `0` (default): creating a future waits while all workers are
#'   busy. `Inf`: it never waits, and futures queue.
#' @param lazy As in [future()].
#' @param rscript_libs Character vector of library folders for the workers, set
#'   when they start. Default: those of this process. `NULL` leaves R's default.
#' @param envir,substitute As in [future()].
#' @return Called directly: a `Future`.
#' @section Given by name to `plan()` and `tweak()`:
#' * `setup`: what each worker runs before its first future, also in
#'   replacements: a function without arguments, or code made by [quote()].
#'   Futures can use what it assigns (in a function: with `<<-`), such as a
#'   connection to a database or a model; see [everywhere()]. Default: nothing.
#' * `rscript_envs`, `rscript_startup`: environment variables of each worker, a
#'   named character vector, set before R starts; code that it runs before
#'   `setup`, quoted or as text. Default: none.
#' * `threads`: how many threads BLAS and OpenMP may use in a worker, a whole
#'   number; `NA` leaves that to the machine. Default: 1 if there are several
#'   workers and no variable such as `OMP_NUM_THREADS` is set in this process,
#'   otherwise `NA`.
#' * `recycle`: when to replace a healthy worker by a new one, between two
#'   futures: a named vector with any of `tasks` (how many it has evaluated),
#'   `age` (seconds) and `memory` (bytes by which its memory has grown since it
#'   started). Default: never.
#' * `start_timeout`: how many seconds a worker may take to start. Default: 30.
#' @section What a future leaves behind:
#' Before the next future, a worker restores options, environment variables, the
#' working directory, the locale, attached packages, the kind of random numbers,
#' sinks and time limits, closes connections and devices, and clears the
#' workspace. Loaded namespaces stay, and so do the options that they have set.
#' With `plan(cluster, persistent = TRUE)` the workspace, attached packages and
#' new options stay as well.
#' @section Errors:
#' * `elsewhere_bad_argument`: `workers` is not a positive number, or a folder
#'   of `rscript_libs` does not exist.
#' @examples
#' \donttest{
#' plan(multisession, workers = 2)
#' f <- future(Sys.getpid())
#' value(f) != Sys.getpid()
#' plan(sequential)
#' }
#' @usage multisession(expr, ..., workers = availableCores(), queue = 0,
#'   lazy = FALSE, rscript_libs = .libPaths(), envir = parent.frame(),
#'   substitute = TRUE)
#' @export
multisession <- new_strategy(
  function(expr, ..., workers = availableCores(), queue = 0, lazy = FALSE,
           rscript_libs = .libPaths(), envir = parent.frame(),
           substitute = TRUE) {
    if (substitute) expr <- substitute(expr)
    settings <- given_arguments("workers", "queue", "rscript_libs")
    if (missing(lazy)) {
      direct_future(sys.function(), settings, expr, envir, ...)
    } else {
      direct_future(sys.function(), settings, expr, envir, lazy = lazy, ...)
    }
  },
  c("multisession", "cluster", "multiprocess"), pool_tweaks
)

#' Evaluate futures on a cluster
#'
#' `plan(cluster, workers = c("host1", "host2"))` evaluates futures in
#' background R processes on other machines, which are started by ssh. A number,
#' or `"localhost"`, starts processes on this machine.
#'
#' @details
#' The standard input and output of ssh are the channel to a worker: no port is
#' opened on either side, and you need no more than a login by ssh. ssh does not
#' ask for a password (it runs with `BatchMode=yes`), so use a key or an agent.
#' The same version of elsewhere must be installed on every machine. `plan()`
#' waits until all workers are ready. A worker that dies is replaced. If three
#' workers in a row cannot be started on a machine, it is given up, and the
#' others continue. Workers end when this process does, or when the connection
#' is lost.
#'
#' Libraries and folders of this machine do not exist on the others: workers
#' there start in the folder that ssh chooses, with R's own library folders.
#'
#' @section Clusters of the parallel package:
#' The nodes keep their packages, options and threads (the default of
#' `threads` is `NA`) and, with `persistent = TRUE`,
#' their workspace, which is cleared otherwise. Between futures you can use the
#' cluster with the functions of that package as before; while a node evaluates
#' a future, it is busy. The same version of elsewhere must be installed where
#' the nodes are. A node that ends is not replaced: a warning of class
#' `elsewhere_node_lost` reports it, the other nodes continue, and a future with
#' `retries` that it was evaluating starts again in another. A change of plan
#' does not stop the cluster. Futures do not queue: with `queue = Inf`, a future
#' without a free node is started when it is asked for. A cancelled future is
#' interrupted if its node is on this machine; it is never killed. On another
#' machine, its node stays busy until the future is done.
#' Arguments that tell how workers are started or replaced have no effect, and
#' `plan()` warns about them. Nodes of another
#' kind, such as those of [make_cluster()], only name machines: new workers are
#' started on these.
#' @inheritParams multisession
#' @param workers A positive number, or host names (as ssh takes them, such as
#'   `"user@host"`): one worker for each time a host is named. `"localhost"` and
#'   the name of this machine need no ssh. Or a cluster of the parallel package,
#'   made by [parallel::makeCluster()] or [makeClusterPSOCK()]: its processes
#'   then evaluate the futures, see section "Clusters of the parallel package".
#' @param rscript_libs Character vector of library folders for all workers, or
#'   `NULL`. If missing: those of this process for workers on this machine, and
#'   R's default for the others.
#' @param persistent `TRUE` evaluates futures in the workspace of their worker
#'   and keeps their variables there. Default: `FALSE`.
#' @return Called directly: a `Future`.
#' @section Given by name to `plan()` and `tweak()`:
#' * `rshcmd`, `rshopts`: Character vectors: the command that connects to a
#'   host, with its first arguments, and further arguments, such as
#'   `c("-p", "2222")`. Default: `"ssh"` and none.
#' * `user`: One string: the name to log in with. Default: ssh's default.
#' * `rscript`: Character vector: the command that starts R there, with its
#'   first arguments. Default: `"Rscript"`.
#' @inheritSection multisession Errors
#' @section Errors:
#' * `FutureLaunchError`: a worker could not be started on a host; the message
#'   shows the output of ssh and R there.
#' @examples
#' \donttest{
#' plan(cluster, workers = c("localhost", "localhost"))
#' value(future(1 + 1))
#' plan(sequential)
#' }
#' @usage cluster(expr, ..., workers = availableWorkers(), persistent = FALSE,
#'   queue = 0, lazy = FALSE, rscript_libs = .libPaths(),
#'   envir = parent.frame(), substitute = TRUE)
#' @export
cluster <- new_strategy(
  function(expr, ..., workers = availableWorkers(), persistent = FALSE,
           queue = 0, lazy = FALSE, rscript_libs = .libPaths(),
           envir = parent.frame(), substitute = TRUE) {
    if (substitute) expr <- substitute(expr)
    settings <- given_arguments(
      "workers", "persistent", "queue", "rscript_libs"
    )
    direct_future(sys.function(), settings, expr, envir, lazy = lazy, ...)
  },
  c("cluster", "multiprocess"), c(pool_tweaks, remote_options)
)

#' Evaluate futures on another machine, as in an R session there
#'
#' This is [cluster] with `persistent = TRUE`: the next future of a worker finds
#' the variables that the last one left in its workspace.
#'
#' @inheritParams cluster
#' @param persistent As in [cluster()], but `TRUE` by default.
#' @return Called directly: a `Future`.
#' @inheritSection cluster Errors
#' @examples
#' \donttest{
#' plan(remote, workers = "localhost")
#' value(future(x <- 42))
#' value(future(x, globals = FALSE))
#' plan(sequential)
#' }
#' @usage remote(expr, ..., workers = availableWorkers(), persistent = TRUE,
#'   queue = 0, lazy = FALSE, rscript_libs = .libPaths(),
#'   envir = parent.frame(), substitute = TRUE)
#' @export
remote <- new_strategy(
  with_default(cluster, persistent = TRUE),
  c("remote", "cluster", "multiprocess"), c(pool_tweaks, remote_options)
)

#' Evaluate futures in several processes of the available kind
#'
#' This is [multicore] if this R session may be forked, as
#' [parallelly::supportsMulticore()] says, and [multisession] otherwise.
#'
#' @inheritParams future
#' @param workers As in [multisession()].
#' @return Called directly: a `Future`.
#' @inheritSection multisession Errors
#' @examples
#' \donttest{
#' plan(multiprocess, workers = 2)
#' value(future(1 + 1))
#' plan(sequential)
#' }
#' @usage multiprocess(expr, envir = parent.frame(), substitute = TRUE,
#'   lazy = FALSE, seed = NULL, globals = TRUE, workers = availableCores(),
#'   gc = FALSE, earlySignal = FALSE, label = NULL, ...)
#' @export
multiprocess <- new_strategy(
  function(expr, envir = parent.frame(), substitute = TRUE, lazy = FALSE,
           seed = NULL, globals = TRUE, workers = availableCores(),
           gc = FALSE, earlySignal = FALSE, label = NULL, ...) {
    if (substitute) expr <- substitute(expr)
    direct_future(
      sys.function(), given_arguments("workers"), expr, envir, lazy = lazy,
      seed = seed, globals = globals, gc = gc, earlySignal = earlySignal,
      label = label, ...
    )
  },
  c("multiprocess"), pool_tweaks
)

# The arguments of the caller that it was given, as a list: what it was not
# given is as under plan().
given_arguments <- function(...) {
  frame <- parent.frame()
  names <- c(...)
  is_given <- vapply(names, function(name) {
    !eval(call("missing", as.name(name)), frame)
  }, NA)
  mget(names[is_given], envir = frame)
}

# One future where `strategy` says. Its workers stay for the next such call.
direct_future <- function(strategy, settings, expr, envir, ..., lazy = NULL) {
  tweaks <- attr(strategy, "tweaks")
  settings[names(tweaks)] <- tweaks
  backend <- direct_backend(strategy, settings)
  if (is.null(lazy)) lazy <- backend$future_settings$lazy
  check_flag(lazy, "lazy")
  future <- new_future(backend, expr, envir, lazy, ...)
  if (lazy) {
    future$direct <- TRUE
    future$backend <- backend
  } else {
    launch(future, backend)
  }
  future
}

#' Evaluate futures in forks of this R session
#'
#' `plan(multicore, workers = 2)` evaluates each future in a fork of this
#' process, which has everything that this process has: packages, variables,
#' open files. Nothing has to be sent to it. Changes in the fork stay there, and
#' only the value is returned.
#'
#' A fork shares things that cannot be shared safely: connections, graphics
#' devices, and locks that threads of other libraries hold at that moment. If
#' that matters, use [multisession]. A fork has no workers, so futures inside a
#' future are evaluated in the fork, one after the other.
#' Arguments of the other strategies, such as `setup` and `recycle`, have no
#' effect on forks, and `plan()` warns about them: a fork starts as a copy of
#' this process and ends with its future.
#'
#' @inheritParams multisession
#' @param queue `0` (default): creating a future waits while `workers` forks are
#'   running. Otherwise futures queue, and are evaluated in background processes
#'   as under [multisession].
#' @return Called directly: a `Future`.
#' @inheritSection multisession Errors
#' @examples
#' \donttest{
#' plan(multicore, workers = 2)
#' value(future(Sys.getpid())) != Sys.getpid()
#' plan(sequential)
#' }
#' @usage multicore(expr, ..., workers = availableCores(), queue = 0,
#'   lazy = FALSE, envir = parent.frame(), substitute = TRUE)
#' @export
multicore <- new_strategy(
  function(expr, ..., workers = availableCores(), queue = 0, lazy = FALSE,
           envir = parent.frame(), substitute = TRUE) {
    if (substitute) expr <- substitute(expr)
    settings <- given_arguments("workers", "queue")
    direct_future(sys.function(), settings, expr, envir, lazy = lazy, ...)
  },
  c("multicore", "multiprocess"), pool_tweaks
)
