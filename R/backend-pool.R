# Futures in a pool of workers: background processes of this machine, and of
# others.

pool_options <- c(
  "workers", "queue", "rscript_libs", "persistent", "launch", "setup",
  "rscript_startup", "rscript_envs", "threads", "start_timeout", "recycle"
)
remote_options <- c("rshcmd", "rshopts", "user", "rscript")

kind_pool <- list(
  title = "background workers",
  options = list(
    "background workers (multisession, cluster)" = pool_options,
    "workers on other machines (cluster)" = remote_options
  ),
  # What no other kind is for.
  fits = function(settings) TRUE,
  record = function(backend) {
    list(
      options_known = c(
        pool_options, if (!is.null(backend$remote)) remote_options
      ),
      open = function() pool_open(backend),
      close = function() if (!is.null(backend$pool)) pool_stop(backend$pool),
      launch = function(future, payload, options, wait) {
        launch_in_pool(future, backend, payload, options, wait)
      },
      payload = function() worker_payload(backend),
      short_way = function(payload) {
        if (is.null(.subset2(backend, "errands"))) {
          list(.subset2(backend, "pool"), payload)
        }
      },
      free = function(background) {
        if (backend$is_open) {
          pool_free(backend$pool)
        } else {
          as.integer(backend$workers)
        }
      },
      ahead = function() {
        status <- pool_status(backend$pool)
        4L * status$workers - status$busy - status$queued
      },
      do = function(expr, envir, packages) {
        do_in_pool(backend, setup_step(expr, envir, packages))
      },
      status = function() {
        status <- pool_status(backend$pool)
        counted <- c("busy", "queued", "answered", "started", "ended", "pids")
        c(
          status[counted], list(
            broken = status$broken, events = pool_events(backend$pool)
          )
        )
      }
    )
  }
)

pool_open <- function(backend) {
  note_options(backend)
  backend$errands <- NULL
  variables <- start_variables(backend$threads, backend$variables)
  setup <- worker_setup(backend)
  remotes <- if (!is.null(backend$remote)) {
    remote_launch(
      backend$remote, remote_setup(setup, backend$remote), variables
    )
  }
  backend$pool <- pool_start(
    as.integer(backend$workers), setup, launch = backend$launch_by,
    start_timeout = backend$start_timeout, recycle = backend$recycle,
    remotes = remotes, variables = variables
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
    steps = c(
      variable_steps(start_variables(backend$threads, backend$variables)),
      backend$steps
    )
  )
}

# A future that nobody holds keeps its worker until R notices: who has to wait
# lets it look.
wait_for_room <- function(pool, queue) {
  if (pool_wait_for_room(pool, queue, patience_seconds)) return()
  gc()
  pool_wait_for_room(pool, queue)
}

# With `wait = FALSE` the future queues if it must.
launch_in_pool <- function(future, backend, payload, options, wait) {
  if (!is.null(.subset2(backend, "errands"))) warn_of_errands(backend)
  pool <- .subset2(backend, "pool")
  queue <- .subset2(backend, "queue")
  if (wait && !is.infinite(queue)) wait_for_room(pool, queue)
  on_reference <- options$on_reference
  refuses <- is.null(on_reference) || on_reference == "error"
  if (!refuses) payload$allow_references <- TRUE
  if (identical(on_reference, "warning")) warn_references(future)
  if (.Call(ew_future_submit, future, pool, payload, refuses)) return()
  if (is.null(on_reference)) {
    refuse_used_references(future)
    .Call(ew_future_submit, future, pool, payload, FALSE)
  } else {
    refuse_references(future, is_refused = TRUE)
  }
}

# everywhere(): the workers that are there, and those that come later.
do_in_pool <- function(backend, step) {
  last <- run_errands(backend, step, 0)
  # Only what did well is asked of workers that start later, so that none of
  # them dies of it; some may have come meanwhile.
  backend$steps <- c(backend$steps, list(step))
  set_worker_setup(backend)
  run_errands(backend, step, last)
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

pool_events <- function(pool) as_event_table(.Call(ew_pool_events, pool))
