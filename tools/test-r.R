# Runs the R tests of an installed elsewhere, each file in a process of its
# own, so that a crash or a hang costs one file and is counted as a failure.
#
#   Rscript tools/test-r.R results-folder [pattern]
#
# Writes one line a test, "passed|failed|skipped <tab> name", to
# results-folder/r.txt, which tools/summarise-tests.R adds up.

file_seconds_max <- 600

# One file, in the process that this script starts for it.
run_file <- function(file, output) {
  library(testthat)
  library(elsewhere)
  results <- as.data.frame(test_file(
    file,
    package = "elsewhere", load_package = "installed",
    reporter = CheckReporter$new(), stop_on_failure = FALSE
  ))
  saveRDS(results[c("test", "failed", "skipped", "error")], output)
}

status_of <- function(results) {
  is_bad <- results$failed > 0L | results$error
  ifelse(is_bad, "failed", ifelse(results$skipped, "skipped", "passed"))
}

# `status` and `test`, one row a test; one failure for a file without results.
test_in_own_process <- function(file) {
  output <- tempfile(fileext = ".rds")
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  cat("\n##", basename(file), "\n")
  code <- system2(
    file.path(R.home("bin"), "Rscript"),
    shQuote(c(script, "--file", file, output)),
    timeout = file_seconds_max
  )
  if (!file.exists(output)) {
    why <- if (code == 124L) "took too long" else paste("ended with", code)
    cat(basename(file), "has no results: its process", why, "\n")
    return(data.frame(status = "failed", test = paste("process", why)))
  }
  results <- readRDS(output)
  data.frame(status = status_of(results), test = results$test)
}

run_all <- function(folder, pattern = "") {
  # Nothing is left out that can be run here.
  Sys.setenv(NOT_CRAN = "true")
  files <- list.files("tests/testthat", "^test-.*\\.R$", full.names = TRUE)
  files <- grep(pattern, files, value = TRUE)
  if (length(files) == 0L) stop("no test file matches `", pattern, "`")
  rows <- lapply(files, function(file) {
    results <- test_in_own_process(file)
    sprintf("%s\t%s: %s", results$status, basename(file), results$test)
  })
  writeLines(unlist(rows), file.path(folder, "r.txt"))
}

arguments <- commandArgs(trailingOnly = TRUE)
if (identical(arguments[[1L]], "--file")) {
  run_file(arguments[[2L]], arguments[[3L]])
} else {
  do.call(run_all, as.list(arguments))
}
