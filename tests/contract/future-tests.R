# Runs future.tests, the conformance suite of the future framework, in two ways:
# against our own futures, through a shadow package that is called future and
# forwards to us; and against our pool as a backend of the real future package.
#
#   Rscript tests/contract/future-tests.R [results-folder [plan ...]]
#
# Each of the suite's test sets is one test: "passed|failed|skipped <tab> name"
# goes to results-folder/contract.txt. Without a folder, the lines are printed.
# Ends with status 1 if a set failed. The plans run at the same time: most of
# the suite is sleeping. Packages elsewhere, future, future.tests, listenv and
# processx must be installed.

default_plans <- c(
  "sequential", "multisession", "multicore", "cluster", "multiprocess",
  "elsewhere::pool"
)
plan_seconds_max <- 900

# --- the shadow ---------------------------------------------------------------

# A source package whose namespace is ours under another name.
write_shadow <- function(folder) {
  path <- file.path(folder, "future")
  dir.create(file.path(path, "R"), recursive = TRUE)
  dir.create(file.path(path, "demo"))
  names <- setdiff(getNamespaceExports("elsewhere"), c("await", "async"))
  writeLines(c(
    "Package: future", "Version: 1.80.0", "Title: Shadow of elsewhere",
    "Description: Forwards to elsewhere.", "License: MIT",
    "Imports: elsewhere", "Author: elsewhere",
    "Maintainer: elsewhere <elsewhere@example.org>"
  ), file.path(path, "DESCRIPTION"))
  writeLines(sprintf("export(\"%s\")", names), file.path(path, "NAMESPACE"))
  writeLines(
    sprintf("`%s` <- elsewhere::`%s`", names, names),
    file.path(path, "R", "forward.R")
  )
  writeLines(
    "mandelbrot  Tiles of the Mandelbrot set as futures",
    file.path(path, "demo", "00Index")
  )
  file.copy(
    system.file("demo", "mandelbrot.R", package = "elsewhere", mustWork = TRUE),
    file.path(path, "demo")
  )
  path
}

install_shadow <- function() {
  library_folder <- tempfile("shadow")
  dir.create(library_folder)
  source <- write_shadow(tempfile("source"))
  utils::install.packages(
    source, lib = library_folder, repos = NULL, type = "source", quiet = TRUE
  )
  library_folder
}

# --- one plan, in a process of its own ----------------------------------------

# "passed", "failed" or "skipped" of a set, which has one result for each
# combination of its arguments.
status_of <- function(results) {
  has_failed <- vapply(results, function(r) inherits(r$error, "error"), NA)
  was_skipped <- vapply(
    results, function(r) inherits(r$skipped, "TestSkipped"), NA
  )
  if (any(has_failed)) {
    "failed"
  } else if (all(was_skipped)) {
    "skipped"
  } else {
    "passed"
  }
}

run_plan <- function(plan, output) {
  options(mc.cores = 2L)
  suppressMessages(library(future.tests))
  sets <- check(plan = plan, exit_value = FALSE, .args = character())[[1L]]
  lines <- vapply(sets, function(results) {
    sprintf(
      "%s\tfuture.tests, %s: %s", status_of(results), plan,
      results[[1L]]$test$title
    )
  }, "")
  writeLines(lines, output)
}

# --- all plans ----------------------------------------------------------------

start_plan <- function(plan, script, shadow) {
  # The backend is tested on the real thing.
  is_backend <- grepl("elsewhere::", plan, fixed = TRUE)
  libraries <- paste(c(if (!is_backend) shadow, .libPaths()), collapse = ":")
  output <- tempfile(fileext = ".txt")
  log <- tempfile(fileext = ".log")
  process <- processx::process$new(
    file.path(R.home("bin"), "Rscript"),
    c("--vanilla", script, "--plan", plan, output),
    env = c("current", R_LIBS = libraries), stdout = log, stderr = "2>&1",
    # Tests that plot leave a file there.
    wd = tempdir(), cleanup_tree = TRUE
  )
  list(plan = plan, process = process, output = output, log = log)
}

# The lines of a plan; one failure if it did not come to an end.
collect_plan <- function(run) {
  run$process$wait(plan_seconds_max * 1000)
  in_time <- !run$process$is_alive()
  if (!in_time) run$process$kill_tree()
  lines <- if (file.exists(run$output)) readLines(run$output)
  if (length(lines) == 0L) {
    lines <- sprintf(
      "failed\tfuture.tests, %s: the suite %s", run$plan,
      if (in_time) "runs" else "ends in time"
    )
  }
  if (any(startsWith(lines, "failed"))) {
    cat(readLines(run$log, warn = FALSE), sep = "\n")
  }
  lines
}

run_all <- function(script, folder = NULL, plans = default_plans) {
  shadow <- install_shadow()
  runs <- lapply(plans, start_plan, script, shadow)
  lines <- unlist(lapply(runs, collect_plan))
  if (is.null(folder)) {
    cat(lines, sep = "\n")
  } else {
    writeLines(lines, file.path(folder, "contract.txt"))
  }
  quit("no", status = as.integer(any(startsWith(lines, "failed"))))
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) == 3L && arguments[[1L]] == "--plan") {
  run_plan(arguments[[2L]], arguments[[3L]])
} else {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  script <- normalizePath(script)
  run_all(
    script, if (length(arguments)) arguments[[1L]],
    if (length(arguments) > 1L) arguments[-1L] else default_plans
  )
}
