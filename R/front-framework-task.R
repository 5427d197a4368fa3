# A future of the future package on its way through the engine: from its fields
# to a task, and from what the task came to to a FutureResult.

framework_launch <- function(backend, future) {
  engine <- framework_engine(backend)
  if (!is.infinite(backend[["queue"]])) framework_wait(backend, engine)
  payload <- framework_payload(future)
  options <- changed_options(engine)
  if (!is.null(options)) payload$options <- options
  setting <- function(name, otherwise) {
    value <- future[[name]]
    if (is.null(value)) otherwise else value
  }
  retries <- setting("retries", 0L)
  timeout <- setting("timeout", Inf)
  priority <- setting("priority", 0L)
  check_retries(retries)
  check_seconds(timeout, "timeout")
  check_priority(priority)
  task <- task_submit(
    engine$pool, payload, retries, timeout, priority, refuse = FALSE
  )
  future[["task"]] <- task
  future[["home"]] <- session_id()
  future[["state"]] <- "running"
  backend[["active"]] <- c(framework_active(backend), list(future))
  future
}

# Waits until one more may start, and relays immediate conditions meanwhile.
framework_wait <- function(backend, engine) {
  while (!pool_wait_for_room(engine$pool, backend[["queue"]], 0)) {
    running <- framework_active(backend)
    if (!length(running)) {
      # What keeps the workers busy was abandoned.
      pool_wait_for_room(engine$pool, backend[["queue"]])
      return()
    }
    for (future in running) framework_events(future)
    tasks_wait(lapply(running, `[[`, "task"), enough = 1, events = TRUE)
  }
}

framework_payload <- function(future) {
  conditions <- future[["conditions"]]
  globals <- framework_globals(future[["globals"]])
  from_package <- as.character(Map(package_of, globals, names(globals)))
  payload <- list(
    expr = future[["expr"]],
    globals = globals[is.na(from_package)],
    packages = c(
      unique(from_package[!is.na(from_package)]), future[["packages"]]
    ),
    conditions = if (is.null(conditions)) FALSE else conditions,
    check_rng = isFALSE(future[["seed"]]),
    allow_references = TRUE
  )
  # The packages of methods for the classes of globals: nothing else names them.
  if (length(payload$globals)) {
    payload$namespaces <- find_globals(
      payload$expr, globalenv(), payload$globals
    )$namespaces
  }
  if (is.numeric(future[["seed"]])) payload$seed <- future[["seed"]]
  immediate <- attr(conditions, "immediateConditionClasses", exact = TRUE)
  if (is.character(immediate)) payload$immediate <- immediate
  if (!isTRUE(future[["stdout"]])) {
    payload$stdout <- as.vector(future[["stdout"]])
  }
  if (isTRUE(future[["split"]])) payload$split <- TRUE
  if (isTRUE(future[["gc"]])) payload$gc <- TRUE
  if (!is.null(getOption("future.globalenv.onMisuse"))) {
    payload$check_workspace <- TRUE
  }
  # The rest of the plan, for futures that this one makes.
  strategies <- future::plan("list")[-1L]
  if (length(strategies)) payload$strategies <- strategies
  payload
}

# Functions and formulas that were given by hand find each other in the worker's
# workspace, and those of this workspace find what is sent with them there.
framework_globals <- function(globals) {
  where <- attr(globals, "where")
  values <- as.list(globals)
  attributes(values) <- list(names = names(globals))
  for (name in names(values)) {
    home <- if (typeof(values[[name]]) != "symbol") environment(values[[name]])
    if (is.null(home) || identical(home, globalenv())) next
    if (identical(where[[name]], emptyenv()) && !isNamespace(topenv(home))) {
      environment(values[[name]]) <- globalenv()
    }
  }
  values
}

# A function that a package made with local() is taken for a global by future's
# search. It comes with its package instead: a copy would have a state of its
# own, as that of plan() has.
package_of <- function(value, name) {
  if (typeof(value) != "closure") return(NA_character_)
  namespace <- topenv(environment(value))
  is_its <- isNamespace(namespace) &&
    name %in% getNamespaceExports(namespace) &&
    identical(get0(name, namespace), value)
  if (is_its) getNamespaceName(namespace)[[1L]] else NA_character_
}

framework_label <- function(future) {
  label <- future[["label"]]
  if (!is.null(label)) return(sQuote(label, FALSE))
  sprintf("<unnamed-%s>", future[["uuid"]][[length(future[["uuid"]])]])
}

refuse_foreign_framework <- function(future) {
  # A future that was read from a file has lost its task, even in this process.
  has_task <- tryCatch(
    {
      task_settled(future[["task"]])
      TRUE
    },
    elsewhere_error = function(error) FALSE
  )
  if (has_task && identical(future[["home"]], session_id())) return()
  stop(future::FutureError(sprintf(
    paste(
      "Future %s can only be queried by the R process that created it (%s),",
      "not by this one (%s). Get its value() there and pass the value on."
    ),
    framework_label(future), future[["home"]], session_id()
  ), future = future))
}

# Conditions that came while it ran are signalled now, and not once more by
# future::value(), which finds them among those of the result.
framework_events <- function(future) {
  for (condition in task_events(future[["task"]])) {
    future[[".signaledConditions"]] <- c(
      future[[".signaledConditions"]],
      list(list(condition = condition, signaled = 1L))
    )
    relay_condition(condition)
  }
}

framework_interrupt <- function(future) {
  task <- future[["task"]]
  if (!is.null(task) && !task_settled(task)) {
    task_cancel(task)
    future[["state"]] <- "interrupted"
  }
  future
}

framework_resolved <- function(future, ...) {
  if (future[["state"]] == "created") {
    if (framework_free(future[["backend"]]) > 0L) future::run(future)
    return(FALSE)
  }
  if (is.null(future[["result"]])) {
    refuse_foreign_framework(future)
    framework_events(future)
    if (!task_settled(future[["task"]])) return(FALSE)
    framework_take(future)
  }
  if (isTRUE(future[["earlySignal"]])) {
    # Signals what there is.
    resolved <- utils::getS3method(
      "resolved", "Future", envir = asNamespace("future")
    )
    return(resolved(future, ...))
  }
  TRUE
}

framework_result <- function(future) {
  if (is.null(future[["result"]])) {
    if (future[["state"]] == "created") future <- future::run(future)
    refuse_foreign_framework(future)
    task <- list(future[["task"]])
    while (is.na(tasks_wait(task, events = TRUE))) framework_events(future)
    framework_take(future)
  }
  result <- future[["result"]]
  if (inherits(result, "FutureError")) stop(result)
  result
}

# The settled task becomes the future's result: a FutureResult or a FutureError.
framework_take <- function(future) {
  framework_events(future)
  outcome <- task_outcome(future[["task"]])
  future[["task"]] <- NULL
  result <- if (outcome$kind == "value") {
    framework_outcome(future, outcome)
  } else {
    framework_failure(future, outcome)
  }
  if (inherits(result, "FutureResult")) {
    result[["uuid"]] <- future[["uuid"]]
    result[["conditions"]] <- c(
      future[[".signaledConditions"]], result[["conditions"]]
    )
    future[["state"]] <- "finished"
  }
  future[[".signaledConditions"]] <- NULL
  future[["result"]] <- result
  result
}

framework_outcome <- function(future, outcome) {
  came <- outcome$value
  if (!is.list(came)) {
    future[["state"]] <- "failed"
    return(framework_error("UnexpectedFutureResultError", future, sprintf(
      "returned %s instead of a result: please report this as a bug.",
      describe_value(came)
    )))
  }
  if (!is.null(came$package)) {
    future[["state"]] <- "failed"
    return(framework_error("FutureLaunchError", future, sprintf(
      paste(
        "needs package %s, which could not be attached on its worker: %s.",
        "Install it in one of the worker's .libPaths()."
      ),
      sQuote(came$package$name, FALSE), sub("[.]$", "", came$package$message)
    )))
  }
  if (isTRUE(came$interrupted)) {
    future[["state"]] <- "interrupted"
    return(framework_error("FutureInterruptError", future, "was interrupted."))
  }
  misuse <- came$misuse
  seconds <- function(i) .POSIXct(
    if (is.null(came$times)) NA_real_ else came$times[[i]]
  )
  stdout <- came$stdout
  if (is.null(stdout) && isTRUE(as.vector(future[["stdout"]]))) stdout <- ""
  result <- future::FutureResult(
    value = came$value, visible = came$visible, stdout = stdout,
    conditions = as.list(came$conditions), rng = !is.null(misuse$Rng),
    misuseGlobalEnv = if (!is.null(misuse$GlobalEnvMisuse)) {
      list(added = misuse$GlobalEnvMisuse$names)
    },
    misuseConnections = misused_connections(misuse$ConnectionMisuse),
    misuseDevices = misused_devices(misuse$DeviceMisuse),
    misuseDefaultDevice = if (!is.null(misuse$DefaultDeviceMisuse)) {
      list(list(quote(plot())))
    },
    started = seconds(1L), finished = seconds(2L), version = "1.8"
  )
  result[["session_uuid"]] <- structure(
    sprintf("%s-%s", Sys.info()[["nodename"]], outcome$pid),
    source = list(host = Sys.info()[["nodename"]], pid = outcome$pid)
  )
  result
}

# In the tables that future's warnings are written from.
misused_connections <- function(misuse) {
  if (is.null(misuse)) return(NULL)
  table_of <- function(ids) {
    if (length(ids)) data.frame(index = as.integer(ids))
  }
  list(
    added = table_of(misuse$added), removed = table_of(misuse$removed),
    replaced = NULL
  )
}

misused_devices <- function(misuse) {
  if (is.null(misuse)) return(NULL)
  data.frame(
    index = seq_along(misuse$devices) + 1L, before = "", after = misuse$devices
  )
}

framework_failure <- function(future, outcome) {
  failure <- told_failure(outcome, future[["timeout"]])
  class <- c(failure$class, "FutureError")
  # That package knows no cancelled future that nobody has cancelled.
  if (future[["state"]] != "canceled") {
    class <- setdiff(class, "FutureCanceledError")
    is_cancelled <- failure$state == "canceled"
    future[["state"]] <- if (is_cancelled) "interrupted" else failure$state
  }
  framework_error(class, future, failure$text, outcome)
}

# A FutureError of the future package, of a class that its version may not have.
framework_error <- function(class, future, text, outcome = NULL) {
  message <- sprintf("Future (%s) of class %s %s", framework_label(future),
    class(future)[[1L]], text
  )
  error <- future::FutureError(message, future = future)
  class(error) <- unique(c(class, class(error)))
  if (!is.null(outcome)) {
    error$pid <- outcome$pid
    error$exit_status <- outcome$status
    error$signal <- outcome$signal
    error$output <- outcome$output
  }
  error
}
