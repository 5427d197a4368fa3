# Signals here what a future's expression signalled there.

# One condition, in the way it was signalled: so that the same handlers and
# restarts are found.
relay_condition <- function(condition) {
  if (inherits(condition, "error")) {
    stop(condition)
  } else if (inherits(condition, "warning")) {
    warning(condition)
  } else if (inherits(condition, "message")) {
    message(condition)
  } else {
    signalCondition(condition)
  }
  invisible()
}

# Immediate conditions and live output that came while it ran. Progress of a map
# is not the user's: whoever runs the map takes it.
relay_events <- function(future) {
  for (condition in task_events(.subset2(future, "task"))) {
    if (is.raw(condition)) {
      cat(rawToChar(condition))
    } else if (inherits(condition, "elsewhere_map_progress")) {
      on_progress <- .subset2(future, "on_progress")
      if (!is.null(on_progress)) on_progress(condition$done)
    } else {
      relay_condition(condition)
    }
  }
}

relay_stdout <- function(future, outcome) {
  text <- outcome$stdout
  if (length(text) && nzchar(text)) cat(text)
  if (isTRUE(attr(future$stdout, "drop"))) {
    # There, but nothing: as opposed to nothing printed.
    future$outcome["stdout"] <- list(NULL)
  }
}

# Everything but the last error, in order.
relay_conditions <- function(future, outcome) {
  conditions <- outcome$conditions
  if (isTRUE(outcome$failed)) conditions <- conditions[-length(conditions)]
  for (entry in conditions) relay_condition(entry$condition)
  if (isTRUE(attr(future$conditions, "drop"))) {
    future$outcome$conditions <- if (isTRUE(outcome$failed)) {
      outcome$conditions[length(outcome$conditions)]
    }
  }
}

# The error that a future ended with, or NULL: its expression's own, or ours
# when it has no outcome.
outcome_error <- function(outcome) {
  if (!is.null(outcome$failure)) return(outcome$failure)
  if (isTRUE(outcome$failed)) {
    return(outcome$conditions[[length(outcome$conditions)]]$condition)
  }
  NULL
}
