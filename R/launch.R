# A future's way from created to settled: started here or in a pool, then its
# outcome is taken. An outcome is the list that evaluate() answers, or
# list(failure = condition) when there is none.

launch <- function(future, backend, wait = TRUE) {
  # Nothing keeps forks waiting: the future stays lazy until a slot is free.
  if (!wait && is_forking(backend) && forks_free(backend) == 0L) return()
  limit <- .subset2(backend, "globals_bytes_max")
  if (is.null(limit)) limit <- getOption("future.globals.maxSize")
  if (!is.null(limit)) check_globals_size(future, limit)
  # Not kept: a future may travel, and a backend must not.
  if (!is.null(.subset2(future, "backend"))) set_field(future, "backend", NULL)
  id <- session_id()
  if (!identical(.subset2(future, "owner"), id)) set_field(future, "owner", id)
  if (is_forking(backend)) {
    launch_in_fork(future, backend)
  } else if (.subset2(backend, "in_background")) {
    launch_in_pool(future, backend, wait)
  } else {
    launch_here(future, backend)
  }
}

# Futures and backends are environments with a class: `$` and `$<-` would look
# for methods each time, which costs more than the rest of a trivial future.
set_field <- function(future, name, value) {
  assign(name, value, envir = future)
}
set_fields <- function(future, values) list2env(values, envir = future)

# What the evaluator gets: only what is not its default.
future_payload <- function(future, backend) {
  settings <- .subset2(future, "settings")
  payload <- list(
    expr = .subset2(future, "expr"), conditions = settings$conditions,
    check_rng = settings$check_rng
  )
  if (is.null(payload$conditions)) payload$conditions <- FALSE
  for (name in sent_fields) {
    value <- .subset2(future, name)
    if (!is.null(value)) payload[[name]] <- value
  }
  immediate <- attr(settings$conditions, "immediateConditionClasses")
  if (is.null(immediate)) immediate <- getOption("future.relay.immediate")
  if (is.character(immediate)) payload$immediate <- immediate
  stdout <- settings$stdout
  if (!isTRUE(stdout)) payload$stdout <- as.vector(stdout)
  if (.subset2(backend, "split")) payload$split <- TRUE
  if (.subset2(backend, "gc") || settings$gc) payload$gc <- TRUE
  if (!is.null(getOption("future.globalenv.onMisuse"))) {
    payload$check_workspace <- TRUE
  }
  payload
}

sent_fields <- c("globals", "packages", "namespaces", "shadowed", "seed", "map")

launch_here <- function(future, backend) {
  if (identical(getOption("future.globals.onReference"), "error")) {
    refuse_references(future)
  }
  payload <- future_payload(future, backend)
  set_fields(future, list(state = "running", start = as.double(Sys.time())))
  former <- plans$stack
  former_backend <- plans$backend
  plans$stack <- .subset2(backend, "nested")
  plans$backend <- NULL
  on.exit({
    inner <- plans$backend
    plans$stack <- former
    plans$backend <- former_backend
    if (!is.null(inner)) backend_stop(inner)
    if (is.null(.subset2(future, "outcome"))) future$state <- "interrupted"
  })
  take_result(future, evaluate(payload))
}

# With `wait = FALSE` the future queues if it must.
launch_in_pool <- function(future, backend, wait = TRUE) {
  payload <- future_payload(future, backend)
  if (!is.null(options <- changed_options(backend))) payload$options <- options
  if (.subset2(backend, "keep")) payload$keep <- TRUE
  pool <- .subset2(backend, "pool")
  queue <- .subset2(backend, "queue")
  if (wait && !is.infinite(queue)) pool_wait_for_room(pool, queue)
  on_reference <- getOption("future.globals.onReference")
  refuses <- is.null(on_reference) || on_reference == "error"
  if (!refuses) payload$allow_references <- TRUE
  if (identical(on_reference, "warning")) warn_references(future)
  settings <- .subset2(future, "settings")
  task <- task_submit(
    pool, payload, settings$retries, settings$timeout, settings$priority,
    refuses
  )
  if (is.null(task)) refuse_references(future, is_refused = TRUE)
  set_fields(future, list(
    task = task, state = "running", start = as.double(Sys.time())
  ))
}

# Waits for the outcome. Immediate conditions are signalled as they come.
await_outcome <- function(future) {
  outcome <- .subset2(future, "outcome")
  if (!is.null(outcome)) return(outcome)
  if (inherits(future, "DroppedFuture")) {
    stop(FutureDroppedError(sprintf(
      "The value of future %s was dropped by `value(drop = TRUE)`. %s",
      describe_future(future), future_origin(future)
    ), future = future))
  }
  if (.subset2(future, "state") == "created") launch_lazy(future)
  outcome <- .subset2(future, "outcome")
  if (!is.null(outcome)) return(outcome)
  refuse_foreign(future)
  task <- list(.subset2(future, "task"))
  while (is.na(tasks_wait(task, Inf, FALSE, TRUE))) relay_events(future)
  relay_events(future)
  take_outcome(future)
}

# A future that travelled while unstarted is started where it is now.
launch_lazy <- function(future, wait = TRUE) {
  backend <- .subset2(future, "backend")
  launch(future, if (is.null(backend)) current_backend() else backend, wait)
}

refuse_foreign <- function(future) {
  if (identical(.subset2(future, "owner"), session_id())) return()
  stop(new_future_error(sprintf(
    paste(
      "Future %s can only be queried by the R process that created it (%s),",
      "not by this one (%s). Take its value() there and pass that on. %s"
    ),
    describe_future(future), .subset2(future, "owner"), session_id(),
    future_origin(future)
  ), NULL, future = future))
}

# The outcome of a settled task becomes the future's.
take_outcome <- function(future) {
  outcome <- task_outcome(.subset2(future, "task"))
  result <- outcome$value
  is_plain <- is.list(result) && is.null(result$package) &&
    is.null(result$interrupted) && .subset2(future, "state") != "canceled"
  if (is_plain) {
    set_fields(
      future, list(task = NULL, state = "finished", outcome = result)
    )
    return(result)
  }
  set_field(future, "task", NULL)
  if (outcome$kind == "value") return(take_result(future, result))
  set_field(future, "pid", outcome$pid)
  fail <- function(make, state, text) {
    was_cancelled <- .subset2(future, "state") == "canceled"
    future$state <- if (was_cancelled) "canceled" else state
    text <- sprintf(
      "Future %s %s %s", describe_future(future), text, future_origin(future)
    )
    set_outcome(future, list(failure = make(
      text, future = future, pid = outcome$pid, exit_status = outcome$status,
      signal = outcome$signal, output = outcome$output
    )))
  }
  switch(outcome$kind,
    lost = fail(FutureInterruptError, "interrupted", sprintf(
      "was interrupted: %s", outcome$message
    )),
    cancelled = fail(FutureCanceledError, "canceled", paste(
      "was canceled, by cancel(), by a change of plan() or because it was in",
      "a list with one that failed."
    )),
    timeout = fail(timeout_error, "interrupted", sprintf(
      "was not done within its `timeout` of %g seconds.",
      future$timeout
    )),
    start = fail(FutureLaunchError, "failed", sprintf(
      "could not be started: %s", outcome$message
    )),
    unserializable = fail(FutureError, "failed", sprintf(
      paste(
        "has a value that cannot be sent back: %s. Return what it was made",
        "from, or set options(future.globals.onReference = \"ignore\")."
      ), outcome$message
    )),
    aborted = fail(FutureInterruptError, "interrupted", paste(
      "jumped to R's top level and has no value."
    )),
    fail(UnexpectedFutureResultError, "failed", sprintf(
      "came back as %s, which is no outcome.", outcome$kind
    ))
  )
}

timeout_error <- function(message, future, ...) {
  new_future_error(
    message, "FutureInterruptError", future = future, ...,
    ours = "elsewhere_timeout"
  )
}

# What evaluate() answered becomes the future's outcome.
take_result <- function(future, result) {
  if (!is.list(result)) {
    future$state <- "failed"
    return(set_outcome(future, list(failure = UnexpectedFutureResultError(
      sprintf(
        "Future %s came back as %s, not as a result. %s",
        describe_future(future), describe_value(result), future_origin(future)
      ),
      future = future
    ))))
  }
  if (!is.null(result$package)) {
    future$state <- "failed"
    return(set_outcome(future, list(failure = FutureLaunchError(
      sprintf(
        paste(
          "Future %s needs package %s, which could not be attached%s: %s.",
          "Install it in a library that is in .libPaths() there. %s"
        ),
        describe_future(future), sQuote(result$package$name, FALSE),
        if (is.null(.subset2(future, "pid"))) "" else " on its worker",
        sub("[.]$", "", result$package$message), future_origin(future)
      ),
      future = future, package = result$package$name
    ))))
  }
  if (isTRUE(result$interrupted)) {
    future$state <- "interrupted"
    result$failure <- FutureInterruptError(
      sprintf(
        "Future %s was interrupted. %s", describe_future(future),
        future_origin(future)
      ),
      future = future
    )
  } else if (.subset2(future, "state") != "canceled") {
    set_field(future, "state", "finished")
  }
  set_outcome(future, result)
}

set_outcome <- function(future, outcome) {
  set_field(future, "outcome", outcome)
  outcome
}
