# What evaluates the futures of a plan: its settings, and the record that does
# it. Each kind of backend is one file, R/backend-<kind>.R.

# What a strategy's arguments come to, checked: a plain list.
backend_settings <- function(strategy) {
  tweaks <- attr(strategy, "tweaks")
  name <- backend_name(strategy)
  settings <- list(
    name = name,
    globals_bytes_max = tweaks$maxSizeOfObjects,
    gc = isTRUE(tweaks$gc),
    early_signal = isTRUE(tweaks$earlySignal),
    split = isTRUE(tweaks$split),
    label = tweaks$label,
    workers = 1L
  )
  if (name %in% c("sequential", "transparent")) return(settings)
  chosen <- if (is.null(tweaks$workers)) {
    if (name == "cluster") availableWorkers() else availableCores()
  } else {
    tweaks$workers
  }
  if (is.function(chosen)) chosen <- chosen()
  if (inherits(chosen, "cluster") && name == "cluster") {
    if (has_socket_nodes(chosen)) {
      settings$nodes <- chosen
      chosen <- I(length(chosen))
    } else {
      chosen <- hosts_of_cluster(chosen)
    }
  }
  if (is.character(chosen) && name == "cluster") {
    hosts <- check_hosts(chosen)
    remote <- hosts[!hosts %in% this_host()]
    settings$workers <- length(hosts)
    if (length(remote)) settings$remote <- remote_settings(remote, tweaks)
  } else {
    settings$workers <- check_workers(chosen)
  }
  settings$queue <- check_queue(if (is.null(tweaks$queue)) 0 else tweaks$queue)
  # Folders on other machines are theirs to find.
  is_here <- length(settings$remote$hosts) < settings$workers
  settings$libraries <- if (is_here) check_libraries(
    if ("rscript_libs" %in% names(tweaks)) tweaks$rscript_libs else .libPaths()
  )
  settings$keep <- if (is.null(tweaks$persistent)) {
    strategy_name(strategy) == "remote"
  } else {
    isTRUE(tweaks$persistent)
  }
  settings$launch_by <- if (is.null(tweaks$launch)) "nursery" else tweaks$launch
  # Nodes of others keep what they have, unless they are told.
  sharing <- if (is.null(settings$nodes)) settings$workers else 1L
  settings$threads <- check_threads(tweaks$threads, sharing)
  settings$variables <- check_start_variables(tweaks$rscript_envs)
  settings$steps <- c(startup_steps(tweaks), setup_steps(tweaks$setup))
  settings$recycle <- check_recycle(tweaks$recycle)
  start_timeout <- tweaks$start_timeout
  if (is.null(start_timeout)) start_timeout <- 30
  check_seconds(start_timeout, "start_timeout")
  settings$start_timeout <- start_timeout
  settings
}

# Forks where they can be had, as at home.
backend_name <- function(strategy) {
  name <- strategy_name(strategy)
  if (name == "remote") return("cluster")
  if (name != "multiprocess") return(name)
  if (supportsMulticore()) "multicore" else "multisession"
}

# A kind of backend is a list:
# * `title`: what evaluates the futures, for messages
# * `options`: by whom they are known, the names of arguments of a plan
# * `fits(settings)`: whether it is what these settings ask for
# * `record(backend)`: its functions and values, see new_backend()
# The first that fits counts. A new kind is a file, and a word here.
backend_kinds <- function() list(kind_here, kind_nodes, kind_forks, kind_pool)

# A backend is an environment with the settings of its plan and what its kind
# makes of them. Who has one asks it, and never what kind it is:
# * `open()`, `close()`: start and end what evaluates the futures
# * `may_launch(wait)`: FALSE if a future has to stay lazy for now
# * `launch(future, payload, options, wait)`: starts it. `wait = FALSE`: it
#   queues where it can; else this waits until there is room
# * `payload()`: what the payloads of all its futures have in common, or NULL
# * `short_way(payload)`: what ew_future_launch() takes, or NULL
# * `free(background)`: how many futures could start now without waiting
# * `ahead()`: how many lazy futures are worth being started now
# * `may_retry()`: whether a future whose worker has ended is for R to start
#   once more; the engine does so by itself
# * `do(expr, envir, packages)`: everywhere()
# * `status()`: what plan_status() tells of it
# * `options_known`: the arguments of a plan that have an effect
# * `is_shared`: whether direct calls that ask for the same share it
# * `future_class`, `future_settings`: of one with no arguments
# It is not opened yet.
new_backend <- function(stack, settings) {
  backend <- list2env(settings, envir = NULL, parent = emptyenv())
  backend$nested <- nested_stack(unclass(stack))
  backend$is_open <- FALSE
  backend$future_class <- future_classes(settings$name)
  backend$future_settings <- future_defaults(settings)
  for (kind in backend_kinds()) if (kind$fits(settings)) break
  backend$title <- kind$title
  list2env(record_defaults, envir = backend)
  list2env(kind$record(backend), envir = backend)
  class(backend) <- "elsewhere_backend"
  backend
}

# What a kind does unless it says otherwise.
record_defaults <- list(
  open = function() NULL,
  close = function() NULL,
  may_launch = function(wait) TRUE,
  payload = function() NULL,
  short_way = function(payload) NULL,
  ahead = function() 1L,
  may_retry = function() FALSE,
  is_shared = TRUE
)

open_backend <- function(backend) {
  backend$open()
  backend$is_open <- TRUE
  backend
}

# By strategy, also where a pool evaluates futures of multicore. Ours comes
# first: the methods of the future package are for its futures.
future_classes <- function(name) {
  own <- switch(name,
    multicore = c("MulticoreFuture", "MultiprocessFuture"),
    cluster = c("ClusterFuture", "MultiprocessFuture"),
    c("MultisessionFuture", "ClusterFuture", "MultiprocessFuture")
  )
  c("elsewhere_future", own, "Future")
}

# What most futures have in common is one list, held by all of them.
default_settings <- list(
  lazy = FALSE, check_rng = TRUE, stdout = TRUE, conditions = "condition",
  label = NULL, gc = FALSE, earlySignal = FALSE, timeout = Inf, retries = 0L,
  priority = 0L
)

future_defaults <- function(settings) {
  out <- default_settings
  if (settings$early_signal) out$earlySignal <- TRUE
  if (!is.null(settings$label)) out$label <- settings$label
  out
}

# An argument of a plan that its kind of backend does not know would have no
# effect, and nobody would notice.
warn_unknown_options <- function(strategy, backend) {
  given <- intersect(
    names(attr(strategy, "tweaks")), attr(strategy, "tweakable")
  )
  unknown <- setdiff(given, c(common_tweaks, backend$options_known))
  if (!length(unknown)) return(invisible())
  warning(warningCondition(
    sprintf(
      ngettext(
        length(unknown),
        "`plan(%s)` evaluates futures in %s, where %s has no effect: %s.",
        "`plan(%s)` evaluates futures in %s, where %s have no effect: %s."
      ),
      strategy_name(strategy), backend$title,
      paste0("`", unknown, "`", collapse = ", "), who_knows(unknown)
    ),
    class = "elsewhere_unknown_option", options = unknown
  ))
}

# "`recycle` is for background workers", for arguments of plans.
who_knows <- function(options) {
  groups <- unlist(lapply(backend_kinds(), `[[`, "options"), recursive = FALSE)
  known_by <- vapply(options, function(option) {
    knows <- vapply(groups, function(group) option %in% group, NA)
    paste(names(groups)[knows], collapse = " and ")
  }, "")
  options <- split(options[nzchar(known_by)], known_by[nzchar(known_by)])
  if (!length(options)) return("")
  paste(
    vapply(options, function(same) paste0("`", same, "`", collapse = ", "), ""),
    ifelse(lengths(options) > 1L, "are", "is"), "for", names(options),
    collapse = "; "
  )
}

# Where workers are not counted.
status_uncounted <- function(busy = 0L, pids = integer(), broken = NULL) {
  list(
    busy = busy, queued = 0L, answered = NA_real_, started = NA_real_,
    ended = NA_real_, pids = pids, broken = broken,
    events = as_event_table(NULL)
  )
}

as_event_table <- function(events) {
  if (is.null(events)) {
    events <- list(
      event = character(), at = double(), place = integer(), pid = integer(),
      host = character(), tasks = integer(), how = character()
    )
  }
  events$at <- .POSIXct(events$at)
  as.data.frame(events, stringsAsFactors = FALSE)
}

current_backend <- function() {
  backend <- plans$backend
  if (is.null(backend)) {
    stack <- current_stack()
    backend <- new_backend(stack, backend_settings(stack[[1L]]))
    warn_unknown_options(stack[[1L]], backend)
    plans$backend <- open_backend(backend)
  }
  backend
}

# The current plan's workers serve a direct call that asks for the same.
direct_backend <- function(strategy, settings) {
  attr(strategy, "tweaks") <- settings
  settings <- backend_settings(strategy)
  backend <- new_backend(list(strategy), settings)
  warn_unknown_options(strategy, backend)
  if (!backend$is_shared) return(open_backend(backend))
  for (other in c(plans$backend, plans$direct)) {
    is_same <- vapply(names(settings), function(name) {
      identical(settings[[name]], other[[name]])
    }, NA)
    if (all(is_same)) return(other)
  }
  plans$direct <- c(plans$direct, list(open_backend(backend)))
  backend
}

# Ends the workers of the current plan, and of direct calls.
leave_backend <- function() {
  backends <- c(plans$backend, plans$direct)
  plans$backend <- NULL
  plans$direct <- list()
  for (backend in backends) backend$close()
}

# Options whose value here rules there too.
forwarded_names <- c(
  "width", "digits", "scipen", "encoding", "OutDec",
  "future.globals.onMissing", "future.globals.onReference",
  "future.globals.maxSize", "future.rng.onMisuse", "future.rng.misUse",
  "future.globalenv.onMisuse", "future.connections.onMisuse",
  "future.devices.onMisuse", "future.defaultDevice.onMisuse",
  "future.globals.resolve", "future.state.onInvalid",
  "future.relay.immediate", "future.plan.disallow", "future.journal"
)

forwarded_options <- function() {
  values <- as.list(.Options)[forwarded_names]
  names(values) <- forwarded_names
  values
}

# The options to send with futures: those that have changed since the workers
# were set up.
changed_options <- function(backend) {
  now <- forwarded_options()
  same <- mapply(identical, now, backend$options)
  if (!all(same)) now[!same]
}

# What a worker has been told of R's options.
note_options <- function(backend) {
  backend$options <- forwarded_options()
  backend$seen_options <- NULL
}

# What workers are told with every future.
worker_payload <- function(backend) {
  common <- list()
  changed <- changed_options(backend)
  if (!is.null(changed)) common$options <- changed
  if (backend$keep) common$keep <- common$in_workspace <- TRUE
  common
}
