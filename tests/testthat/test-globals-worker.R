run_script <- function(script, ...) {
  libraries <- paste(.libPaths(), collapse = ":")
  status <- system2(
    file.path(R.home("bin"), "Rscript"),
    shQuote(c("--vanilla", test_path("globals", script), ..., libraries)),
    stdout = FALSE
  )
  expect_identical(status, 0L)
}

test_that("what is found is enough to evaluate the code in a fresh process", {
  skip_if_not_installed("R6")
  skip_if_not_installed("data.table")
  found <- withr::local_tempfile()
  values <- withr::local_tempfile()
  run_script("owner.R", test_path("globals", "cases.R"), found)
  run_script("worker.R", found, values)
  cases <- readRDS(found)
  there <- readRDS(values)
  for (name in names(cases)) {
    same <- all.equal(
      cases[[name]]$value, there[[name]],
      check.environment = FALSE
    )
    expect(isTRUE(same), sprintf(
      "%s: %s\n  the worker has: %s", name, toString(same),
      paste(utils::capture.output(str(there[[name]])), collapse = "\n")
    ))
  }
})
