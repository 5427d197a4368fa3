# When what happened to a future: internal, for measuring.

# A data frame with one row an event: event, category, start (time) and duration
# (difftime in seconds).
journal <- function(x, ...) {
  outcome <- .subset2(x, "outcome")
  launched <- x$start
  events <- list()
  note <- function(event, category, start, end) {
    if (is.null(start) || is.null(end)) return()
    events[[length(events) + 1L]] <<- data.frame(
      event = event, category = category, start = as.POSIXct(start),
      duration = as.difftime(as.numeric(end) - as.numeric(start), units = "secs")
    )
  }
  started <- if (!is.null(outcome$times)) .POSIXct(outcome$times[1L])
  finished <- if (!is.null(outcome$times)) .POSIXct(outcome$times[2L])
  note("launch", "overhead", launched, started)
  note("evaluate", "evaluation", started, finished)
  note("future", "total", launched, finished)
  table <- do.call(rbind, events)
  table$future_uuid <- paste(future_uuid(x), collapse = "-")
  table$future_label <- if (is.null(x$label)) NA_character_ else x$label
  class(table) <- c("FutureJournal", class(table))
  table
}
