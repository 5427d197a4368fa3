# How long an interrupt takes, in milliseconds: each way to interrupt, in owners that
# were started in each way. A table for the R that runs this; with workers behind ssh
# where there is an sshd.
#
#   Rscript bench/interrupts.R
suppressPackageStartupMessages(library(testthat))
script <- grep("^--file=", commandArgs(), value = TRUE)
tests <- file.path(dirname(sub("^--file=", "", script)), "../tests/testthat")
for (file in list.files(tests, "^helper-", full.names = TRUE)) source(file)

measure <- function() {
  sshd <- local_sshd()
  rows <- lapply(interrupt_starts, interrupt_times, rshopts = sshd$rshopts)
  ways <- unique(unlist(lapply(rows, names)))
  cells <- vapply(rows, function(row) {
    said <- suppressWarnings(round(as.numeric(row[ways])))
    ifelse(is.na(row[ways]), "-", as.character(ifelse(is.na(said), row[ways], said)))
  }, character(length(ways)))
  cat(R.version.string, "\n\n")
  cat("|", paste(c("ms", names(rows)), collapse = " | "), "|\n")
  cat("|", paste(rep("---", length(rows) + 1L), collapse = " | "), "|\n")
  for (i in seq_along(ways)) {
    cat("|", paste(c(ways[[i]], cells[i, ]), collapse = " | "), "|\n")
  }
}
measure()
