# Many sessions at once: how much memory twenty idle ones hold, with all that
# serves them, and how soon fifty are ready, beside callr's.
#
#   Rscript bench/crowd.R          writes bench/results/<date>-crowd.md

script <- grep("^--file=", commandArgs(), value = TRUE)
root <- dirname(sub("^--file=", "", script))
source(file.path(root, "report.R"))
suppressMessages(library(elsewhere))

# The processes below this one, however far.
descendants <- function() {
  stat <- lapply(list.files("/proc", "^[0-9]+$"), function(pid) {
    file <- file.path("/proc", pid, "stat")
    line <- suppressWarnings(tryCatch(readLines(file), error = function(e) ""))
    fields <- strsplit(sub("^.*\\) ", "", line[[1L]]), " ")[[1L]]
    c(as.integer(pid), as.integer(fields[2L]))
  })
  stat <- do.call(rbind, stat)
  found <- Sys.getpid()
  repeat {
    more <- setdiff(stat[stat[, 2L] %in% found, 1L], found)
    if (length(more) == 0L) return(setdiff(found, Sys.getpid()))
    found <- c(found, more)
  }
}

# What they hold together: what several share counts once.
megabytes <- function() {
  held <- vapply(descendants(), function(pid) {
    lines <- suppressWarnings(tryCatch(
      readLines(file.path("/proc", pid, "smaps_rollup")),
      error = function(e) character()
    ))
    sum(as.numeric(gsub("[^0-9]", "", grep("^Pss:", lines, value = TRUE))))
  }, 0)
  sum(held) / 1024
}

ready_sessions <- function(class, count) {
  sessions <- lapply(seq_len(count), function(i) class$new(wait = FALSE))
  starting <- sessions
  while (length(starting) > 0L) {
    polled <- processx::poll(starting, 60000)
    is_ready <- vapply(polled, `[[`, "", "process") == "ready"
    for (one in starting[is_ready]) stopifnot(one$read()$code == 201L)
    starting <- starting[!is_ready]
  }
  sessions
}

measure <- function(class) {
  close_all <- function(sessions) for (one in sessions) one$close()
  # The first has the start of what serves the others.
  close_all(ready_sessions(class, 1L))
  before <- megabytes()
  sessions <- ready_sessions(class, 20L)
  for (one in sessions) one$run(function() 1 + 1)
  held <- megabytes()
  close_all(sessions)
  seconds <- vapply(1:3, function(i) {
    started <- Sys.time()
    sessions <- ready_sessions(class, 50L)
    taken <- as.double(Sys.time() - started, units = "secs")
    close_all(sessions)
    taken
  }, 0)
  c(serving = before, held = held, seconds = min(seconds))
}

# What serves ours stays, so it comes second.
seen <- list(callr = measure(callr::r_session))
seen$elsewhere <- measure(elsewhere::r_session)
row <- function(name) {
  one <- seen[[name]]
  sprintf(
    "| %s | %.1f MB | %.1f MB | %.2f s |", name, one[["serving"]],
    one[["held"]], one[["seconds"]]
  )
}
lines <- c(
  "# crowd", "", origin(root, c("R", "src", "bench/crowd.R")), "",
  "Script: `bench/crowd.R`.", "",
  "| | what serves sessions, before | with 20 idle ones | 50 ready |",
  "| --- | ---: | ---: | ---: |",
  row("elsewhere"), row("callr"), "",
  paste(
    "Memory is proportional (Pss), of all processes below the owner; each",
    "session has run one call. Times are the fastest of three."
  )
)
cat(lines, sep = "\n")
write_report(root, "crowd", c(lines, ""))
