# Runs the conformance suite of the future framework, future.tests, against our
# futures: through a shadow package that is called future and forwards to us.
#
#   Rscript tests/contract/future-tests.R [plan ...]
#
# Ends with status 1 if a test fails. Packages future.tests and listenv must be
# installed, and elsewhere.

plans <- commandArgs(trailingOnly = TRUE)
if (!length(plans)) {
  plans <- c("sequential", "multisession, workers = 2", "multicore, workers = 2")
}

# The exports of ours that the suite and its helpers may ask the shadow for.
shadow_exports <- function() {
  setdiff(getNamespaceExports("elsewhere"), c("await", "async"))
}

# A source package whose namespace is ours under another name.
write_shadow <- function(folder) {
  path <- file.path(folder, "future")
  dir.create(file.path(path, "R"), recursive = TRUE)
  dir.create(file.path(path, "demo"))
  names <- shadow_exports()
  writeLines(c(
    "Package: future", "Version: 1.80.0", "Title: Shadow of elsewhere",
    "Description: Forwards to elsewhere.", "License: MIT",
    "Imports: elsewhere", "Author: elsewhere", "Maintainer: elsewhere <e@example.org>"
  ), file.path(path, "DESCRIPTION"))
  writeLines(
    sprintf("export(\"%s\")", gsub("%", "%", names, fixed = TRUE)),
    file.path(path, "NAMESPACE")
  )
  writeLines(
    c(
      sprintf("`%s` <- elsewhere::`%s`", names, names),
      # What companions look for in the home's namespace.
      "resetWorkers <- elsewhere::resetWorkers"
    ),
    file.path(path, "R", "forward.R")
  )
  writeLines("mandelbrot  Tiles of the Mandelbrot set as futures", file.path(path, "demo", "00Index"))
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

run_suite <- function(plan, library_folder) {
  code <- sprintf(
    "suppressMessages(library(future.tests)); check(plan = \"%s\", exit_value = TRUE)", plan
  )
  libraries <- paste(c(library_folder, .libPaths()), collapse = ":")
  status <- system2(
    file.path(R.home("bin"), "Rscript"), c("--vanilla", "-e", shQuote(code)),
    env = paste0("R_LIBS=", libraries)
  )
  status == 0L
}

library_folder <- install_shadow()
passed <- vapply(plans, run_suite, NA, library_folder)
cat(sprintf("future.tests, %s: %s\n", plans, ifelse(passed, "passed", "FAILED")), sep = "")
quit("no", status = if (all(passed)) 0L else 1L)
