# What a task came to, in words, and as the outcome of a future.

# Of each kind of outcome that is not a value: the class of the error in the
# future package and ours, the state of the future, and what is said of it,
# after whatever it is said of. `%s` is the outcome's own message.
failure_kinds <- list(
  lost = list(
    class = "FutureInterruptError", ours = "elsewhere_interrupted",
    state = "interrupted", text = "was interrupted: %s"
  ),
  cancelled = list(
    class = c("FutureCanceledError", "FutureInterruptError"),
    ours = "elsewhere_cancelled", state = "canceled",
    text = paste(
      "was canceled: by cancel(), by a new plan(), or because another future",
      "in its list failed."
    )
  ),
  timeout = list(
    class = "FutureInterruptError", ours = "elsewhere_timeout",
    state = "interrupted",
    text = "exceeded its `timeout` of %s seconds."
  ),
  start = list(
    class = "FutureLaunchError", ours = "elsewhere_launch",
    state = "failed", text = "could not be started: %s"
  ),
  unserializable = list(
    class = NULL, ours = "elsewhere_future_error", state = "failed",
    text = "%s."
  ),
  aborted = list(
    class = "FutureInterruptError", ours = "elsewhere_interrupted",
    state = "interrupted",
    text = "jumped to R's top level, so it has no value%s"
  )
)

# The row of a settled task's outcome, its text made whole.
told_failure <- function(outcome, timeout = NULL) {
  kind <- failure_kinds[[outcome$kind]]
  if (is.null(kind)) {
    return(list(
      class = "UnexpectedFutureResultError",
      ours = "elsewhere_unexpected_result", state = "failed",
      text = sprintf(
        "got an unexpected reply (%s): please report this as a bug.",
        outcome$kind
      )
    ))
  }
  said <- outcome$message
  said <- switch(outcome$kind,
    timeout = format(timeout),
    unserializable = said_of_travel(said),
    aborted = if (nzchar(said)) paste0(". R said: ", said) else "",
    said
  )
  kind$text <- sub("%s", said, kind$text, fixed = TRUE)
  kind
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
