# Adds up what the test runners wrote and closes with "N passed, N failed".
#
#   Rscript tools/summarise-tests.R results-folder
#
# Reads CTest's results (*.xml, one a preset) and "status <tab> name" lines
# (*.txt). A C++ test counts once: it has passed if it passed in every preset.
# Exits with 1 if anything failed or nothing was run.

read_ctest <- function(file) {
  all <- readLines(file, warn = FALSE)
  places <- grep("<testcase ", all)
  attribute <- function(name) {
    sub(sprintf('^.* %s="([^"]*)".*$', name), "\\1", all[places])
  }
  # A test that says so itself; one that could not be started has failed.
  skips <- grepl("<skipped message=\"SKIP_", all[places + 1L], fixed = TRUE)
  status <- ifelse(skips, "skipped", "failed")
  status[attribute("status") == "run"] <- "passed"
  data.frame(status = status, test = attribute("name"))
}

read_lines <- function(file) {
  parts <- strsplit(readLines(file, warn = FALSE), "\t", fixed = TRUE)
  data.frame(
    status = vapply(parts, `[[`, "", 1L), test = vapply(parts, `[[`, "", 2L)
  )
}

# One row a test: failed anywhere is failed.
once_each <- function(results) {
  worst <- tapply(
    factor(results$status, c("skipped", "passed", "failed")), results$test,
    function(status) max(as.integer(status))
  )
  data.frame(
    status = c("skipped", "passed", "failed")[worst], test = names(worst)
  )
}

folder <- commandArgs(trailingOnly = TRUE)
if (length(folder) != 1L) stop("usage: summarise-tests.R results-folder")
files <- list.files(folder, full.names = TRUE)
from_ctest <- lapply(grep("\\.xml$", files, value = TRUE), read_ctest)
from_lines <- lapply(grep("\\.txt$", files, value = TRUE), read_lines)
results <- rbind(
  if (length(from_ctest)) once_each(do.call(rbind, from_ctest)),
  do.call(rbind, from_lines)
)
count <- table(factor(results$status, c("passed", "failed", "skipped")))
failed <- results$test[results$status == "failed"]
if (length(failed)) cat("Failed:", paste0("  ", failed), sep = "\n")
cat(sprintf("%d passed, %d failed", count[["passed"]], count[["failed"]]))
if (count[["skipped"]]) cat(sprintf(", %d skipped", count[["skipped"]]))
cat("\n")
quit(status = as.integer(count[["failed"]] > 0L || count[["passed"]] == 0L))
