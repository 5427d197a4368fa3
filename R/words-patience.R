# How long another process may take for something before it is taken for stuck.
# A limit on the clock would also be over when the machine stood still, or when
# others had its processors, and the process never had a chance. So time is
# counted in slices: each as no more than it was meant to last, and as its share
# where more processes want a processor than there are.

# `slice()` is how long to wait next, in seconds, 0 when the time is over; then
# comes `spent()`.
new_patience <- function(seconds, slice_max = 0.1) {
  left <- seconds
  began <- NULL
  list(
    slice = function() {
      began <<- proc.time()[[3L]]
      max(0, min(left, slice_max))
    },
    spent = function() {
      lasted <- min(proc.time()[[3L]] - began, slice_max)
      # To count who wants a processor takes longer than what ends at once. The
      # last thousandth is less than a clock of R tells apart.
      share <- if (lasted < slice_max / 2) 1 else processor_share()
      left <<- left - max(lasted, 0.001) * share
    }
  )
}

# What part of a processor one more process gets on this machine: 1 where there
# are enough. What waits for a disk may be just what is waited for.
processor_share <- function(lines = kernel_counts()) {
  count <- function(name) {
    line <- grep(paste0("^", name, " "), lines, value = TRUE)
    if (length(line) == 1L) as.numeric(sub("^.* ", "", line)) else 0
  }
  processors <- max(1, sum(grepl("^cpu[0-9]", lines)))
  # One of those that run is this process.
  share <- processors / max(processors, count("procs_running") - 1)
  if (count("procs_blocked") > 0) min(share, 0.25) else share
}

kernel_counts <- function() {
  if (!file.exists("/proc/stat")) return(character())
  tryCatch(
    readLines("/proc/stat", warn = FALSE), error = function(e) character()
  )
}

# The same by the clock, for a limit that somebody has set: it is what it says.
new_deadline <- function(seconds) {
  ends_at <- proc.time()[[3L]] + seconds
  list(
    slice = function() max(0, ends_at - proc.time()[[3L]]),
    spent = function() NULL
  )
}

new_limit <- function(seconds, is_given) {
  if (is_given) new_deadline(seconds) else new_patience(seconds)
}

# Does `condition()` come to hold within `seconds`?
holds_within <- function(seconds, condition) {
  patience <- new_patience(seconds)
  repeat {
    slice <- patience$slice()
    until <- proc.time()[[3L]] + slice
    repeat {
      if (condition()) return(TRUE)
      if (proc.time()[[3L]] >= until) break
      Sys.sleep(0.001)
    }
    if (slice <= 0) return(FALSE)
    patience$spent()
  }
}

# Does a process of processx end before the limit? `pid` is that of our child.
# Its $wait() would put processx's handler for the ends of children in the place
# of whosever is there: children of the parallel package would stay as zombies,
# for which R waits ten seconds at its end.
ends_within <- function(limit, process, pid) {
  if (!process$is_alive()) return(TRUE)
  # While it is alive here, nobody has reaped it: its number is its own. What
  # ends now cannot be watched any more.
  ended <- tryCatch(
    processx::conn_create_fd(.Call(ew_process_watch, pid)),
    error = function(e) NULL
  )
  on.exit(if (!is.null(ended)) close(ended))
  while (process$is_alive() && (slice <- limit$slice()) > 0) {
    ms <- as.integer(min(ceiling(slice * 1000), .Machine$integer.max))
    if (is.null(ended)) process$wait(ms) else processx::poll(list(ended), ms)
    limit$spent()
  }
  !process$is_alive()
}
