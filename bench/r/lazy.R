# Does a list of 1 000 lazy futures stall the session that made it?
#
#   Rscript bench/r/lazy.R [workers]
#
# Asks resolved() of the whole list again and again until all have settled, and
# says how long the longest ask took, and the longest silence of a timer of
# later's that should come every millisecond.

library(elsewhere)

workers <- as.integer(c(commandArgs(trailingOnly = TRUE), "2")[[1L]])
plan(multisession, workers = workers)
invisible(value(lapply(seq_len(50L), function(i) future(i))))

measure <- function(count = 1000L) {
  started <- proc.time()[[3L]]
  futures <- lapply(seq_len(count), function(i) future(i, lazy = TRUE))
  created <- proc.time()[[3L]] - started
  now <- function() as.double(Sys.time()) * 1e3
  ask <- silence <- numeric()
  last <- now()
  timer <- function() {
    time <- now()
    silence <<- c(silence, time - last)
    last <<- time
    if (!is.null(futures)) later::later(timer, 0.001)
  }
  later::later(timer, 0)
  launched <- 0L
  # One future is asked at each turn of the loop, as code that must not block does.
  repeat {
    before <- now()
    done <- resolved(futures[[launched %% count + 1L]])
    ask <- c(ask, now() - before)
    launched <- launched + 1L
    later::run_now()
    if (launched >= count && done && all(resolved(futures))) break
  }
  values <- value(futures)
  stopifnot(identical(unlist(values), seq_len(count)))
  futures <- NULL
  later::run_now()
  c(
    create_ms = 1e3 * created / count, asks = length(ask),
    longest_ask_ms = max(ask), longest_silence_ms = max(silence),
    ask_99_ms = unname(quantile(ask, 0.99))
  )
}

rounds <- t(vapply(1:5, function(i) measure(), numeric(5L)))
print(round(rounds, 3L))

# The whole list in one call, which is one tick.
whole <- vapply(1:5, function(i) {
  futures <- lapply(1:1000, function(i) future(i, lazy = TRUE))
  ticks <- numeric()
  repeat {
    before <- proc.time()[[3L]]
    is_done <- resolved(futures)
    ticks <- c(ticks, 1e3 * (proc.time()[[3L]] - before))
    if (all(is_done)) break
  }
  c(
    looks = length(ticks), all_ms = sum(ticks), median = median(ticks),
    q99 = unname(quantile(ticks, 0.99)), longest = max(ticks)
  )
}, numeric(5L))
cat("resolved() of all 1 000 at each look, ms:\n")
print(round(t(whole), 2L))
plan(sequential)
