# A long life of sessions, and what it leaves behind: nothing. Counts
# descriptors, threads, processes, files in memory, temporary files and memory
# before and after, and ends with status 1 if anything has stayed.
#
#   Rscript bench/soak.R                 10 000 calls, 500 sessions, 200 crashes
#   Rscript bench/soak.R 1000 50 20      fewer

library(elsewhere)

# Other work on the machine is no failure of a start.
options(elsewhere.wait_timeout = 60000)

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
helpers <- new.env(parent = asNamespace("elsewhere"))
sys.source(
  file.path(dirname(script), "..", "tests", "testthat", "helper-leaks.R"),
  helpers
)
sys.source(
  file.path(dirname(script), "..", "tests", "testthat", "helper-soak.R"),
  helpers
)

counts <- as.numeric(commandArgs(trailingOnly = TRUE))
if (length(counts) == 0L) counts <- c(10000, 500, 200)

folder <- tempfile("soak-")
dir.create(folder)
Sys.setenv(TMPDIR = folder)

# What is loaded, compiled and cached with the first uses is no leak.
helpers$soak(calls = 200, sessions = 150, crashes = 20)
before <- helpers$soak_state()
started <- Sys.time()
helpers$soak(counts[[1L]], counts[[2L]], counts[[3L]])
seconds <- as.numeric(Sys.time() - started, units = "secs")
left <- helpers$soak_left(before)
cat(sprintf(
  "%.0f calls, %.0f sessions, %.0f crashes in %.0f s; memory %+.1f MB\n",
  counts[[1L]], counts[[2L]], counts[[3L]], seconds, left$megabytes
))
if (length(left$lines) > 0L) {
  writeLines(c("left behind:", paste("*", left$lines)))
  quit(status = 1L)
}
cat("nothing is left behind\n")
