# A future's way from created to settled: started here or in a pool, then its
# outcome is taken. An outcome is the list that evaluate() answers, or
# list(failure = condition) when there is none.

launch <- function(future, backend, wait = TRUE) {
  is_held <- .subset2(backend, "is_held")
  # Nothing keeps such tasks waiting: the future stays lazy until a slot is
  # free.
  may_wait <- wait && (!is_held || .subset2(backend, "queue") == 0)
  if (is_held && !may_wait && slots_free(backend) == 0L) return()
  options <- launch_options(backend)
  if (options$resolves) resolve(.subset2(future, "globals"), recursive = TRUE)
  if (!is.null(options$limit)) check_globals_size(future, options$limit)
  # Not kept: a future may travel, and a backend must not.
  if (!is.null(.subset2(future, "backend"))) set_field(future, "backend", NULL)
  id <- session_id()
  if (!identical(.subset2(future, "owner"), id)) set_field(future, "owner", id)
  payload <- future_payload(future, options)
  if (is_held) {
    if (.subset2(backend, "is_forking")) {
      launch_in_fork(future, backend, payload, options)
    } else {
      launch_on_node(future, backend, payload, options)
    }
  } else if (.subset2(backend, "in_background")) {
    launch_in_pool(future, backend, payload, options, wait)
  } else {
    launch_here(future, backend, payload, options)
  }
}

# Futures and backends are environments with a class: `$` and `$<-` would look
# for methods each time, which costs more than the rest of a trivial future.
set_field <- function(future, name, value) {
  assign(name, value, envir = future)
}
set_fields <- function(future, values) list2env(values, envir = future)

# What the evaluator gets: only what is not its default.
future_payload <- function(future, options) {
  payload <- .Call(ew_future_payload, future)
  settings <- .subset2(future, "settings")
  if (!identical(settings, default_settings)) {
    payload <- c(payload, settings_payload(settings))
  }
  common <- options$payload
  if (is.null(common)) return(payload)
  c(payload, common[setdiff(names(common), names(payload))])
}

settings_payload <- function(settings) {
  out <- list()
  conditions <- settings$conditions
  if (is.null(conditions)) {
    out$conditions <- FALSE
  } else if (!identical(conditions, "condition")) {
    out$conditions <- conditions
  }
  immediate <- attr(conditions, "immediateConditionClasses")
  if (is.character(immediate)) out$immediate <- immediate
  if (!settings$check_rng) out$check_rng <- FALSE
  if (!isTRUE(settings$stdout)) out$stdout <- as.vector(settings$stdout)
  if (isTRUE(attr(settings$stdout, "live"))) out$live <- TRUE
  if (settings$gc) out$gc <- TRUE
  if (isTRUE(settings$split)) out$split <- TRUE
  out
}

# What R's options and the plan say about launching, looked at again only when
# an option has changed: `limit` of the size of globals or NULL; `on_reference`;
# `payload`, what all payloads have in common, or NULL.
launch_options <- function(backend) {
  seen <- .subset2(backend, "seen_options")
  if (is.null(seen) || !.Call(ew_are_options_now, seen)) {
    set_field(backend, "seen_options", .Call(ew_options_now))
    set_field(backend, "launch_options", read_launch_options(backend))
  }
  .subset2(backend, "launch_options")
}

# What ew_future_launch() needs to start a plain lazy future; NULL where every
# future takes launch(), or no backend is there yet.
short_way <- function() {
  backend <- plans$backend
  if (is.null(backend) || is.null(.subset2(backend, "pool"))) return()
  if (!is.null(.subset2(backend, "errands"))) return()
  .subset2(launch_options(backend), "way")
}

read_launch_options <- function(backend) {
  limit <- backend$globals_bytes_max
  if (is.null(limit)) limit <- getOption("future.globals.maxSize")
  common <- list()
  immediate <- getOption("future.relay.immediate")
  if (is.character(immediate)) common$immediate <- immediate
  if (isFALSE(immediate)) common$immediate <- character()
  if (backend$split) common$split <- TRUE
  if (backend$gc) common$gc <- TRUE
  if (!is.null(getOption("future.globalenv.onMisuse"))) {
    common$check_workspace <- TRUE
  }
  if (!is.null(backend$pool) || !is.null(backend$nodes)) {
    if (!is.null(changed <- changed_options(backend))) common$options <- changed
    if (backend$keep) common$keep <- common$in_workspace <- TRUE
  }
  payload <- if (length(common)) common
  on_reference <- getOption("future.globals.onReference")
  resolves <- isTRUE(getOption("future.globals.resolve"))
  is_plain <- is.null(limit) && is.null(on_reference) && !resolves
  list(
    limit = limit, on_reference = on_reference, payload = payload,
    resolves = resolves, way = if (is_plain) list(backend$pool, payload)
  )
}

launch_here <- function(future, backend, payload, options) {
  if (identical(options$on_reference, "error")) refuse_references(future)
  set_fields(future, list(state = "running", start = .Call(ew_now)))
  former <- plans$stack
  former_backend <- plans$backend
  plans$stack <- .subset2(backend, "nested")
  plans$backend <- NULL
  on.exit({
    inner <- plans$backend
    plans$stack <- former
    plans$backend <- former_backend
    if (!is.null(inner)) backend_stop(inner)
    if (is.null(.subset2(future, "outcome"))) note_interrupt_here(future)
  })
  take_result(future, evaluate(payload))
}

# An evaluation in this process that Ctrl-C or a jump to a restart has left is
# not begun again by itself: it may have done half of what it does.
note_interrupt_here <- function(future) {
  set_field(future, "state", "interrupted")
  set_outcome(future, list(failure = FutureInterruptError(
    sprintf(
      paste(
        "Future %s was interrupted while this process was evaluating it. Call",
        "reset() to run it again. %s"
      ),
      describe_future(future), future_origin(future)
    ),
    future = future
  )))
}

# A future that nobody holds keeps its worker until R notices: who has to wait
# lets it look.
wait_for_room <- function(pool, queue) {
  if (pool_wait_for_room(pool, queue, patience_seconds)) return()
  gc()
  pool_wait_for_room(pool, queue)
}

patience_seconds <- 0.2

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
  while (is.na(tasks_wait(task, events = TRUE))) relay_events(future)
  if (.Call(ew_futures_settled, list(future), 1L, session_id()) == 1L) {
    return(.subset2(future, "outcome"))
  }
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
      "not by this one (%s). Get its value() there and pass the value on. %s"
    ),
    describe_future(future), .subset2(future, "owner"), session_id(),
    future_origin(future)
  ), NULL, future = future))
}

# The outcome of a settled task becomes the future's.
take_outcome <- function(future) {
  if (starts_again(future)) return(await_outcome(future))
  outcome <- task_outcome(.subset2(future, "task"))
  result <- outcome$value
  set_field(future, "task", NULL)
  set_field(future, "pid", outcome$pid)
  if (outcome$kind == "value") return(take_result(future, result))
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
      "was canceled: by cancel(), by a new plan(), or because another future",
      "in its list failed."
    )),
    timeout = fail(timeout_error, "interrupted", sprintf(
      "exceeded its `timeout` of %g seconds.",
      future$timeout
    )),
    start = fail(FutureLaunchError, "failed", sprintf(
      "could not be started: %s", outcome$message
    )),
    unserializable = fail(
      unserializable_error(future, outcome), "failed",
      describe_unserializable(future, outcome)
    ),
    aborted = fail(FutureInterruptError, "interrupted", paste0(
      "jumped to R's top level, so it has no value",
      if (nzchar(outcome$message)) ". R said: ", outcome$message
    )),
    fail(UnexpectedFutureResultError, "failed", sprintf(
      "got an unexpected reply (%s): please report this as a bug.",
      outcome$kind
    ))
  )
}

# A value is refused for a reference in it, or R could not serialize it.
describe_unserializable <- function(future, outcome) {
  found <- value_reference(future, outcome)
  if (is.null(found)) return(paste0(said_of_travel(outcome$message), "."))
  paste(
    "has a value that cannot be sent back:",
    describe_reference(found, "its value"), "does not work in another process.",
    "Return the data it was made from, or set",
    "options(future.globals.onReference = \"ignore\")."
  )
}

unserializable_error <- function(future, outcome) {
  found <- value_reference(future, outcome)
  if (is.null(found)) return(FutureError)
  function(message, future, ...) {
    do.call(new_future_error, c(
      list(
        message, NULL, future = future, ...,
        ours = c("elsewhere_cannot_travel", "elsewhere_future_error")
      ),
      reference_fields(found)
    ))
  }
}

# The worker of a map knows the elements of its chunk only.
value_reference <- function(future, outcome) {
  found <- reference_from(outcome$message)
  elements <- .subset2(future, "elements")
  if (is.null(found$path) || is.null(elements)) return(found)
  pattern <- "^value\\[\\[([0-9]+)\\]\\]"
  at <- regmatches(found$path, regexec(pattern, found$path))
  if (length(at[[1L]]) == 2L) {
    index <- elements[[as.integer(at[[1L]][[2L]])]]
    rest <- substring(found$path, nchar(at[[1L]][[1L]]) + 1L)
    found$path <- sprintf("value[[%d]]%s", index, rest)
  }
  found
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
        "Future %s returned %s instead of a result. %s",
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
          "Install it in one of the .libPaths() there. %s"
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
