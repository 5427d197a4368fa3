# What a fresh R process prints that attaches the package.
fresh <- function(code, ...) {
  owner <- local_r_process(
    c("library(elsewhere)", code), env_variables = c(...)
  )
  read_line(owner, "got:")
}

test_that("options of futures are taken from environment variables", {
  line <- fresh(
    paste(
      "cat('got:', class(plan())[[3]], getOption('future.globals.maxSize'),",
      "getOption('future.rng.onMisuse'), getOption('future.journal'), '\\n')"
    ),
    R_FUTURE_PLAN = "multisession", R_FUTURE_GLOBALS_MAXSIZE = "1000",
    R_FUTURE_RNG_ONMISUSE = "error", R_FUTURE_JOURNAL = "TRUE"
  )
  expect_equal(line, "got: multisession 1000 error TRUE ")
  line <- fresh(
    c(
      "plan(multisession, workers = I(1))", "x <- numeric(1000)",
      "e <- tryCatch(future(sum(x)), error = conditionMessage)",
      "cat('got:', grepl('exceeds the maximum', e), '\\n')"
    ),
    R_FUTURE_GLOBALS_MAXSIZE = "1000"
  )
  expect_equal(line, "got: TRUE ")
})

test_that("a startup script runs when elsewhere is attached, not in workers", {
  script <- withr::local_tempfile(fileext = ".R")
  writeLines("from_script <- Sys.getpid()", script)
  show <- c(
    "plan(multisession, workers = I(1))",
    "there <- value(future({",
    "  library(elsewhere)",
    "  exists('from_script', globalenv(), inherits = FALSE)",
    "}, globals = FALSE))",
    "cat('got:', identical(get0('from_script'), Sys.getpid()), there, '\\n')"
  )
  expect_equal(
    fresh(show, R_FUTURE_STARTUP_SCRIPT = script), "got: TRUE FALSE "
  )
  expect_equal(
    fresh(show, R_FUTURE_STARTUP_SCRIPT = "FALSE"), "got: FALSE FALSE "
  )
})
