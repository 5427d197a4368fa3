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

test_that("-p and --parallel on the command line choose a plan", {
  show <- paste(
    "cat('got:', strategy_name <- class(plan()), nbrOfWorkers(),",
    "getOption('mc.cores'), '\\n')"
  )
  with_arguments <- function(arguments, ...) {
    set <- sprintf("options(future.cmdargs = %s)", deparse(arguments))
    owner <- local_r_process(
      c(set, "library(elsewhere)", show), env_variables = c(...)
    )
    read_line(owner, "got:")
  }
  expect_match(with_arguments(c("R", "-p", "1")), "sequential.* 1 1 $")
  expect_match(with_arguments(c("R", "--parallel=1")), "sequential.* 1 1 $")
  expect_match(
    with_arguments(c("R", "-p", "1"), R_FUTURE_PLAN = "multicore"), "multicore"
  )
  skip_if(parallelly::availableCores("system") < 2L, "one core only")
  expect_match(with_arguments(c("-p", "1", "-p", "2")), "multisession.* 2 2 $")
})

test_that("what is no number of processes on the command line is told of", {
  wrong <- list("-p", c("-p", "x"), "--parallel=0", "--parallel=9999")
  for (arguments in wrong) {
    expect_warning(
      expect_null(processes_asked(arguments)), arguments[[1L]], fixed = TRUE
    )
  }
  expect_null(processes_asked(c("R", "--args", "-pq", "parallel=2")))
})

test_that("strategies that are disallowed may be listed in a variable", {
  line <- fresh(
    paste(
      "cat('got:', tryCatch(plan(multicore), FutureError = \\(e) 'refused'),",
      "tryCatch(plan(cluster), FutureError = \\(e) 'refused'), '\\n')"
    ),
    R_FUTURE_PLAN_DISALLOW = "multicore, cluster"
  )
  expect_equal(line, "got: refused refused ")
})
