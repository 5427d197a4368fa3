# When what happened to a future: internal, for measuring, and only under option
# `future.journal`.

note_event <- function(future, event, category, start) {
  if (event == "create" && !is.null(journals$made)) {
    journals$made <- c(journals$made, list(future))
  }
  row <- journal_row(event, category, start, Sys.time())
  set_field(future, "journal", rbind(.subset2(future, "journal"), row))
}

journal_row <- function(event, category, start, end, parent = NA_character_) {
  data.frame(
    event = event, category = category, parent = parent,
    start = as.POSIXct(start), at = as.difftime(0, units = "secs"),
    duration = as.difftime(as.numeric(end) - as.numeric(start), units = "secs")
  )
}

# The journals of the futures that are made while an expression is evaluated.
capture_journals <- function(expr, substitute = TRUE, envir = parent.frame()) {
  if (substitute) expr <- substitute(expr)
  former <- options(future.journal = TRUE)
  journals$made <- list()
  on.exit({
    options(former)
    journals$made <- NULL
  })
  eval(expr, envir)
  lapply(journals$made, journal)
}

journals <- new.env(parent = emptyenv())

# value(), the first time under a journal: how long gathering takes is noted.
journaled_value <- function(future, stdout, signal, drop) {
  former <- .subset2(future, "journal")
  set_field(future, "journal", NULL)
  on.exit(set_field(future, "journal", former))
  start <- Sys.time()
  await_outcome(future)
  if (!("gather" %in% former$event)) {
    former <- rbind(
      former, journal_row("gather", "overhead", start, Sys.time())
    )
  }
  value(future, stdout = stdout, signal = signal, drop = drop)
}

# A data frame with one row an event, in the order of their start: event,
# category, parent, start (time), at (since the first) and duration (difftimes
# in seconds), and what names the future.
journal <- function(x, ...) {
  if (!is_future(x)) {
    # Of a list of futures, one after the other.
    tables <- lapply(Filter(is_future, as.list(x)), journal)
    if (!length(tables)) {
      abort_argument("x", "a future, or a list that holds futures", x)
    }
    return(structure(do.call(rbind, tables), class = class(tables[[1L]])))
  }
  times <- .subset2(x, "outcome")$times
  moment <- function(i) if (!is.null(times)) .POSIXct(times[[i]])
  table <- .subset2(x, "journal")
  if (!is.null(x$start) && !is.null(times)) {
    table <- rbind(
      table,
      journal_row("launch", "overhead", min(x$start, moment(1L)), moment(1L)),
      journal_row("evaluate", "evaluation", moment(1L), moment(2L))
    )
  }
  if (is.null(table)) table <- journal_row("", "", Sys.time(), Sys.time())[0L, ]
  table <- table[order(table$start), ]
  table$at <- as.difftime(
    as.numeric(table$start) - as.numeric(table$start[1L]), units = "secs"
  )
  rownames(table) <- NULL
  table$future_label <- rep(
    if (is.null(x$label)) NA_character_ else x$label, nrow(table)
  )
  table$future_uuid <- rep(paste(future_uuid(x), collapse = "-"), nrow(table))
  table$session_uuid <- rep(worker_id(x), nrow(table))
  class(table) <- c("elsewhere_journal", "FutureJournal", class(table))
  table
}

# How well the workers were used: a list of numbers and times in seconds.
#' @export
summary.elsewhere_journal <- function(object, ...) {
  table <- as.data.frame(unclass(object))
  seconds <- as.numeric(table$duration, units = "secs")
  start <- as.numeric(table$start)
  is_work <- table$category %in% "evaluation"
  # What began when something else of the same future ran is counted once.
  span_of <- function(rows) max((start + seconds)[rows]) - min(start[rows])
  by_future <- split(seq_along(start), table$future_uuid)
  spans <- vapply(by_future, span_of, 0)
  work <- vapply(by_future, function(rows) sum(seconds[rows[is_work[rows]]]), 0)
  wall <- if (length(start)) span_of(seq_along(start)) else 0
  workers <- length(unique(table$session_uuid[is_work]))
  structure(
    list(
      futures = length(by_future), workers = workers, walltime = wall,
      evaluation = sum(work), overhead = sum(pmax(spans - work, 0)),
      speedup = sum(work) / wall, efficiency = sum(work) / wall / workers,
      longest = if (length(spans)) max(spans) else 0
    ),
    class = "elsewhere_journal_summary"
  )
}

#' @export
print.elsewhere_journal_summary <- function(x, ...) {
  cat(sprintf("Number of futures:     %d\n", x$futures))
  cat(sprintf("Workers used:          %d\n", x$workers))
  cat(sprintf("Wall-clock:            %.3g s\n", x$walltime))
  cat(sprintf("Cumulative evaluation: %.3g s\n", x$evaluation))
  cat(sprintf("Cumulative overhead:   %.3g s\n", x$overhead))
  cat(sprintf("Speedup:               %.2fx\n", x$speedup))
  cat(sprintf("Parallel efficiency:   %.1f%%\n", 100 * x$efficiency))
  cat(sprintf("Longest future:        %.3g s\n", x$longest))
  invisible(x)
}
