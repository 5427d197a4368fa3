# What a task came to, as the outcome of a future.

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
