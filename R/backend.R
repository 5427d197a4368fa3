# What runs the futures of a plan: this process, or a pool of workers.
# Everything that futures ask of the engine is asked here.

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
    label = tweaks$label
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
  settings$launch <- if (is.null(tweaks$launch)) "nursery" else tweaks$launch
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

# A backend is an environment: its settings, and for a pool the pool itself.
new_backend <- function(stack, settings) {
  in_background <- is_background(settings)
  backend <- list2env(settings, envir = NULL, parent = emptyenv())
  backend$nested <- nested_stack(unclass(stack))
  backend$pool <- NULL
  backend$in_background <- in_background
  # Creating a future waits for a free slot. With a queue, futures are to start
  # by themselves later on, which takes the engine: then a pool evaluates them.
  backend$is_forking <- in_background && settings$name == "multicore" &&
    identical(as.numeric(settings$queue), 0)
  # Neither knows the engine of its tasks: they start when somebody asks.
  backend$is_held <- backend$is_forking || !is.null(settings$nodes)
  # One worker in this very process evaluates when asked.
  backend$lazy <- !in_background &&
    !settings$name %in% c("sequential", "transparent")
  # A future with nothing but an expression has the default settings.
  backend$is_plain <- !backend$lazy && !settings$early_signal &&
    is.null(settings$label)
  backend$future_class <- future_classes(settings, in_background)
  backend$uuid <- plans$created
  class(backend) <- "elsewhere_backend"
  if (in_background) backend_start(backend)
  backend
}

is_background <- function(settings) {
  if (settings$name %in% c("sequential", "transparent")) return(FALSE)
  settings$name == "cluster" || settings$workers > 1L ||
    inherits(settings$workers, "AsIs")
}

future_classes <- function(settings, in_background) {
  own <- if (!in_background) {
    c("SequentialFuture", "UniprocessFuture")
  } else if (settings$name == "multicore") {
    c("MulticoreFuture", "MultiprocessFuture")
  } else if (settings$name == "cluster") {
    c("ClusterFuture", "MultiprocessFuture")
  } else {
    c("MultisessionFuture", "ClusterFuture", "MultiprocessFuture")
  }
  # Ours comes first: the methods of the future package are for its futures.
  c("elsewhere_future", own, "Future")
}

current_backend <- function() {
  backend <- plans$backend
  if (is.null(backend)) {
    stack <- current_stack()
    backend <- new_backend(stack, backend_settings(stack[[1L]]))
    plans$backend <- backend
  }
  backend
}

# The current plan's workers serve a direct call that asks for the same.
direct_backend <- function(strategy, settings) {
  attr(strategy, "tweaks") <- settings
  settings <- backend_settings(strategy)
  if (!is_background(settings)) {
    return(new_backend(list(strategy), settings))
  }
  current <- plans$backend
  is_same <- function(backend) {
    (!is.null(backend$pool) || backend$is_held) &&
      all(vapply(names(settings), function(name) {
        identical(settings[[name]], backend[[name]])
      }, NA))
  }
  if (!is.null(current) && is_same(current)) return(current)
  for (backend in plans$direct) if (is_same(backend)) return(backend)
  backend <- new_backend(list(strategy), settings)
  plans$direct <- c(plans$direct, list(backend))
  backend
}

backend_start <- function(backend) {
  if (backend$is_forking) return()
  backend$options <- forwarded_options()
  backend$seen_options <- NULL
  backend$errands <- NULL
  if (!is.null(backend$nodes)) return(nodes_open(backend))
  setup <- worker_setup(backend)
  remotes <- if (!is.null(backend$remote)) {
    remote_launch(backend$remote, remote_setup(setup, backend$remote))
  }
  backend$pool <- pool_start(
    as.integer(backend$workers), setup, launch = backend$launch,
    start_timeout = backend$start_timeout, recycle = backend$recycle,
    remotes = remotes
  )
  if (!is.null(remotes)) await_remote_start(backend$pool)
}

# Folders of this machine mean nothing on another one.
remote_setup <- function(setup, remote) {
  setup$library_paths <- remote$libraries
  setup$working_directory <- NULL
  setup$in_pool <- TRUE
  setup
}

# What each worker is told once. Options that a future's evaluation should see
# are sent again only where they differ from these.
worker_setup <- function(backend) {
  list(
    functions = shipped$evaluator,
    library_paths = backend$libraries,
    options = c(backend$options, list(mc.cores = 1L)),
    nested = encode_stack(backend$nested),
    working_directory = getwd(),
    steps = backend$steps
  )
}

# Ends the workers of the plan that rules, and of direct calls.
leave_backend <- function() {
  backends <- c(if (!is.null(plans$backend)) list(plans$backend), plans$direct)
  plans$backend <- NULL
  plans$direct <- list()
  for (backend in backends) backend_stop(backend)
}

backend_stop <- function(backend) {
  if (backend$is_forking) return(forks_stop(backend))
  if (!is.null(backend$nodes)) return(nodes_close(backend))
  if (is.null(backend$pool)) return()
  pool_stop(backend$pool)
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
