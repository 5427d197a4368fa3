# callr's own tests of its sessions, from its source package, against ours.

# Runs in a process of its own: names of elsewhere come before those of callr.
contract_code <- quote({
  library(testthat)
  shim <- new.env(parent = asNamespace("callr"))
  for (name in c("r_session", "r_session_options")) {
    assign(name, getExportedValue("elsewhere", name), shim)
  }
  results <- lapply(FILES, function(file) {
    as.data.frame(test_file(
      file,
      env = new.env(parent = shim), package = NULL, load_package = "none",
      reporter = "silent", stop_on_failure = FALSE
    ))[c("test", "failed", "error", "skipped")]
  })
  saveRDS(do.call(rbind, results), OUTPUT)
})

callr_source <- function(folder) {
  repos <- getOption("repos")
  if (identical(unname(repos[["CRAN"]]), "@CRAN@")) {
    repos[["CRAN"]] <- "https://cloud.r-project.org"
  }
  withr::local_options(timeout = 30, repos = repos)
  found <- tryCatch(
    suppressWarnings(utils::download.packages(
      "callr", folder, type = "source", quiet = TRUE
    )),
    error = function(e) NULL
  )
  if (is.null(found) || nrow(found) == 0L) return(NULL)
  utils::untar(found[1L, 2L], exdir = folder)
  file.path(folder, "callr", "tests", "testthat")
}

test_that("callr's tests of its sessions pass with ours", {
  skip_on_cran()
  skip_if_not_installed("callr")
  folder <- withr::local_tempdir()
  tests <- callr_source(folder)
  skip_if(is.null(tests), "the source package of callr cannot be had")
  output <- file.path(folder, "results.rds")
  code <- do.call(substitute, list(contract_code, list(
    FILES = file.path(
      tests, c("test-r-session.R", "test-r-session-messages.R")
    ),
    OUTPUT = output
  )))
  runner <- local_r_process(deparse(code))
  runner$wait(120000)
  expect_true(file.exists(output))
  results <- readRDS(output)
  expect_gt(nrow(results), 10)
  expect_identical(
    results$test[results$failed > 0 | results$error], character()
  )
})
