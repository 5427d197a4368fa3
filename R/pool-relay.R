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
      keep_immediate(future, condition)
      relay_condition(condition)
    }
  }
}

# For result(), which tells of all that was signalled. One of an environment's
# variables each: progress may be told of thousands of times.
keep_immediate <- function(future, condition) {
  classes <- future$conditions
  if (!length(classes) || isTRUE(attr(classes, "drop"))) return()
  kept <- .subset2(future, "immediate")
  if (is.null(kept)) {
    kept <- new.env(parent = emptyenv())
    set_field(future, "immediate", kept)
  }
  assign(
    sprintf("%010d", length(kept)),
    list(condition = condition, signaled = 1L), envir = kept
  )
}

immediate_entries <- function(future) {
  kept <- .subset2(future, "immediate")
  if (is.null(kept)) list() else unname(mget(sort(names(kept)), envir = kept))
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
  relayed <- integer()
  # A handler may leave.
  on.exit(note_signaled(future, relayed))
  for (i in seq_along(conditions)) {
    if (isTRUE(conditions[[i]]$immediate)) next
    relayed <- c(relayed, i)
    relay_condition(conditions[[i]]$condition)
  }
  note_signaled(future, relayed)
  on.exit()
  if (isTRUE(attr(future$conditions, "drop"))) {
    future$outcome$conditions <- if (isTRUE(outcome$failed)) {
      outcome$conditions[length(outcome$conditions)]
    }
  }
}

# How many times each was signalled where the value was asked for.
note_signaled <- function(future, which) {
  outcome <- .subset2(future, "outcome")
  for (i in which) {
    outcome$conditions[[i]]$signaled <- outcome$conditions[[i]]$signaled + 1L
  }
  if (length(which)) set_field(future, "outcome", outcome)
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
