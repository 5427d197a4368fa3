# The stop-watch of every comparison. The peers take turns inside each
# repetition, so a slow moment of the machine hits all of them alike, and what
# is reported is a ratio within one run.

# Runs every function of `peers` (a named list; the first is ours)
# `repetitions` times, taking turns. Each turn calls it `calls` times (one
# number, or one for each peer, by name) and counts the seconds of one call.
# `warm_up` calls of each come first and are not counted.
#
# Returns a data frame with one row for each peer: `peer`, `min` and `median`
# (seconds a call), `ratio_min` and `ratio_median` (how many times longer than
# the first peer), `repetitions`, `calls`.
compare <- function(peers, repetitions = 8, calls = 1, warm_up = 1) {
  stopifnot(is.list(peers), !is.null(names(peers)), length(peers) > 0)
  calls <- spread(calls, names(peers))
  for (name in names(peers)) {
    for (i in seq_len(warm_up)) peers[[name]]()
  }
  seconds <- matrix(
    NA_real_, repetitions, length(peers), dimnames = list(NULL, names(peers))
  )
  for (i in seq_len(repetitions)) {
    # The order changes, so that nobody always runs in another's wake.
    for (name in sample(names(peers))) {
      seconds[i, name] <- seconds_a_call(peers[[name]], calls[[name]])
    }
  }
  summarise(seconds, calls)
}

# One number for each name, from one number or a named vector.
spread <- function(value, names) {
  if (is.null(names(value))) {
    return(stats::setNames(rep_len(value, length(names)), names))
  }
  value[names]
}

seconds_a_call <- function(call, times) {
  # A garbage collection of somebody else's litter belongs to nobody's time.
  gc(FALSE)
  started <- Sys.time()
  for (i in seq_len(times)) call()
  as.double(Sys.time() - started, units = "secs") / times
}

summarise <- function(seconds, calls) {
  least <- apply(seconds, 2L, min)
  middle <- apply(seconds, 2L, stats::median)
  data.frame(
    peer = colnames(seconds),
    min = least,
    median = middle,
    ratio_min = least / least[[1L]],
    ratio_median = middle / middle[[1L]],
    repetitions = nrow(seconds),
    calls = calls,
    row.names = NULL
  )
}

# Seconds as a reader wants them: "21 us", "4.6 ms", "1.2 s".
format_seconds <- function(seconds) {
  vapply(seconds, format_one, "")
}

format_one <- function(seconds) {
  if (is.na(seconds)) return("-")
  unit <- if (seconds < 1e-3) "us" else if (seconds < 1) "ms" else "s"
  scale <- c(us = 1e6, ms = 1e3, s = 1)[[unit]]
  paste(format(signif(seconds * scale, 3), digits = 3), unit)
}

# TRUE if the peer can be measured here; otherwise the report says it was not.
has_peer <- function(package) {
  !identical(Sys.getenv("ELSEWHERE_BENCH_ALONE"), "true") &&
    requireNamespace(package, quietly = TRUE)
}

# Waits for `promise` in a script and returns its value: what a top-level
# await would do. For measuring promise-based peers.
settle <- function(promise, seconds = 60) {
  state <- new.env()
  promises::then(
    promise,
    function(value) {
      state$value <- value
      state$is_done <- TRUE
    },
    function(reason) {
      state$reason <- reason
      state$is_done <- TRUE
    }
  )
  deadline <- Sys.time() + seconds
  while (is.null(state$is_done)) {
    if (Sys.time() > deadline) stop("the promise has not settled in time")
    later::run_now(1)
  }
  if (!is.null(state$reason)) stop(state$reason)
  state$value
}
