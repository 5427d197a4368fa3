# callr's own tests of its sessions, from its source package, against ours.

# Runs in a process of its own: names of elsewhere come before those of callr.
contract_code <- quote({
  library(testthat)
  shim <- new.env(parent = asNamespace("callr"))
  for (name in c("r", "r_bg", "r_session", "r_session_options")) {
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

test_that("callr's tests of its sessions pass with ours", {
  tests <- file.path(local_sources("callr", "3.8.0"), "tests", "testthat")
  output <- withr::local_tempfile(fileext = ".rds")
  code <- do.call(substitute, list(contract_code, list(
    FILES = file.path(tests, c(
      "test-r-session.R", "test-r-session-messages.R",
      if (requireNamespace("otelsdk", quietly = TRUE)) "test-otel.R"
    )),
    OUTPUT = output
  )))
  runner <- local_r_process(deparse(code))
  runner$wait(500000)
  expect_true(file.exists(output))
  results <- readRDS(output)
  expect_gt(nrow(results), 10)
  expect_identical(
    results$test[results$failed > 0 | results$error], character()
  )
})
