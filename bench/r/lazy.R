# Does a list of 1 000 lazy futures stall the session that made it?
#
#   Rscript bench/r/lazy.R [workers] [megabytes]
#
# Asks resolved() of the whole list again and again until all have settled, and
# says how long the longest ask took, and the longest silence of a timer of
# later's that should come every millisecond. `megabytes` of small objects lie
# in the workspace meanwhile, which each full collection of R's goes through.

library(elsewhere)

given <- as.integer(commandArgs(trailingOnly = TRUE))
workers <- if (length(given)) given[[1L]] else 2L
megabytes <- if (length(given) > 1L) given[[2L]] else 0L
# A vector of two numbers takes 64 bytes, and its place in the list 8.
workspace <- lapply(seq_len(megabytes * 1e6 / 72), function(i) c(i, 1))
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
  # One future is asked at each turn of the loop, as code that must not block
  # does.
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

# The whole list in one call, which is one tick; `collected_ms` is what R's
# garbage collector took of the longest.
look_at_all <- function(futures) {
  force(futures)  # to make them is no part of the first look
  ticks <- collected <- numeric(1e5)
  now <- function() as.double(Sys.time()) * 1e3
  count <- 0L
  repeat {
    count <- count + 1L
    before <- now()
    gc_before <- gc.time()[[3L]]
    done <- all(resolved(futures))
    ticks[[count]] <- now() - before
    collected[[count]] <- 1e3 * (gc.time()[[3L]] - gc_before)
    if (done) break
  }
  summary_of(ticks[seq_len(count)], collected[seq_len(count)])
}

summary_of <- function(ticks, collected) {
  c(
    looks = length(ticks), all_ms = sum(ticks), median = median(ticks),
    q99 = unname(quantile(ticks, 0.99)), longest = max(ticks),
    collected_ms = collected[[which.max(ticks)]], over_5_ms = sum(ticks > 5)
  )
}

# What the machine alone does to such a loop: as many ticks as long as the
# median, of nothing but arithmetic, beside as many busy processes.
ticks_alone <- function(count, each_ms) {
  busy <- lapply(
    seq_len(workers), function(i) future(repeat NULL, lazy = FALSE)
  )
  on.exit(cancel(busy, grace = 0))
  now <- function() as.double(Sys.time()) * 1e3
  ticks <- numeric(count)
  for (i in seq_len(count)) {
    before <- now()
    while (now() - before < each_ms) NULL
    ticks[[i]] <- now() - before
  }
  summary_of(ticks, numeric(count))
}

rounds <- lapply(1:5, function(i) {
  ours <- look_at_all(lapply(1:1000, function(i) future(i, lazy = TRUE)))
  list(ours = ours, alone = ticks_alone(ours[["looks"]], ours[["median"]]))
})
cat("resolved() of all 1 000 at each look, ms:\n")
print(round(t(sapply(rounds, `[[`, "ours")), 2L))
cat(
  "the same ticks without any future, beside", workers, "busy processes, ms:\n"
)
print(round(t(sapply(rounds, `[[`, "alone")), 2L))
plan(sequential)
