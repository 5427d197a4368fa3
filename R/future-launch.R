# A future's way from created to settled: started here or in a pool, then its
# outcome is taken. An outcome is the list that evaluate() answers, or
# list(failure = condition) when there is none.

launch <- function(future, backend, wait = TRUE) {
  if (!.subset2(backend, "may_launch")(wait)) return()
  options <- launch_options(backend)
  if (options$resolves) resolve(.subset2(future, "globals"), recursive = TRUE)
  if (!is.null(options$limit)) check_globals_size(future, options$limit)
  # Not kept: a future may travel, and a backend must not.
  if (!is.null(.subset2(future, "backend"))) set_field(future, "backend", NULL)
  id <- session_id()
  if (!identical(.subset2(future, "owner"), id)) set_field(future, "owner", id)
  payload <- future_payload(future, options)
  .subset2(backend, "launch")(future, payload, options, wait)
}

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
  if (is.null(backend)) return()
  options <- launch_options(backend)
  if (options$is_plain) .subset2(backend, "short_way")(options$payload)
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
  common <- c(common, backend$payload())
  on_reference <- getOption("future.globals.onReference")
  resolves <- isTRUE(getOption("future.globals.resolve"))
  list(
    limit = limit, on_reference = on_reference,
    payload = if (length(common)) common, resolves = resolves,
    is_plain = is.null(limit) && is.null(on_reference) && !resolves
  )
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

# A future whose node has died while it was evaluated is made ready to start in
# another, if it may try again and there is one. TRUE if so.
starts_again <- function(future) {
  left <- .subset2(future, "retries_left")
  if (is.null(left) || left < 1 || .subset2(future, "state") == "canceled") {
    return(FALSE)
  }
  if (task_outcome(.subset2(future, "task"))$kind != "lost") return(FALSE)
  backend <- plans$backend
  if (is.null(backend) || !backend$may_retry()) return(FALSE)
  set_fields(future, list(
    retries_left = left - 1, task = NULL, state = "created"
  ))
  TRUE
}

# The outcome of a settled task becomes the future's.
take_outcome <- function(future) {
  if (starts_again(future)) return(await_outcome(future))
  outcome <- task_outcome(.subset2(future, "task"))
  result <- outcome$value
  set_field(future, "task", NULL)
  set_field(future, "pid", outcome$pid)
  if (outcome$kind == "value") return(take_result(future, result))
  failure <- told_failure(outcome, future$timeout)
  found <- value_reference(future, outcome)
  if (!is.null(found)) {
    failure$text <- describe_value_reference(found)
    failure$ours <- c("elsewhere_cannot_travel", "elsewhere_future_error")
  }
  if (.subset2(future, "state") != "canceled") future$state <- failure$state
  set_outcome(future, list(failure = do.call(new_future_error, c(
    list(
      sprintf(
        "Future %s %s %s", describe_future(future), failure$text,
        future_origin(future)
      ),
      failure$class, future = future, pid = outcome$pid,
      exit_status = outcome$status, signal = outcome$signal,
      output = outcome$output, ours = failure$ours
    ),
    if (!is.null(found)) reference_fields(found)
  ))))
}

describe_value_reference <- function(found) {
  paste(
    "has a value that cannot be sent back:",
    describe_reference(found, "its value"), "does not work in another process.",
    "Return the data it was made from, or set",
    "options(future.globals.onReference = \"ignore\")."
  )
}

# The worker of a map knows the elements of its chunk only.
value_reference <- function(future, outcome) {
  if (outcome$kind != "unserializable") return(NULL)
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
