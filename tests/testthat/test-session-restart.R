test_that("what setup() has run is run again after restart()", {
  local_leak_check()
  session <- local_session()
  value <- session$setup(function(x) {
    options(elsewhere.test = x)
    assign("kept", x, globalenv())
    "done"
  }, list(42))
  expect_identical(value, "done")
  session$setup(function() library(tools))
  session$run(function() assign("lost", 1, globalenv()))
  former <- session$get_pid()
  expect_identical(session$restart(), session)
  expect_false(session$get_pid() == former)
  expect_false(is_process(former))
  expect_identical(session$run(function() get("kept")), 42)
  expect_identical(session$run(function() getOption("elsewhere.test")), 42)
  expect_true("package:tools" %in% session$run(function() search()))
  expect_false(session$run(function() exists("lost")))
})

test_that("a session can be restarted after a crash, while busy, when closed", {
  local_leak_check()
  session <- local_session()
  session$setup(function() assign("kept", 1, globalenv()))
  expect_error(
    session$run(function() tools::pskill(Sys.getpid(), 9L)),
    class = "elsewhere_worker_died"
  )
  expect_identical(session$get_state(), "finished")
  session$restart()
  expect_identical(session$run(function() get("kept")), 1)
  session$call(function() repeat {})
  session$restart()
  expect_identical(session$get_state(), "idle")
  session$close()
  session$restart()
  expect_identical(session$run(function() get("kept")), 1)
  expect_null(session$read())
})

test_that("a setup that fails is not remembered", {
  session <- local_session()
  expect_error(session$setup(function() stop("no")), "no")
  session$restart()
  expect_identical(session$get_state(), "idle")
})

test_that("a crash says by which signal and in which call", {
  session <- local_session()
  error <- expect_error(
    session$run(function(x) {
      cat("last words\n")
      tools::pskill(Sys.getpid(), 11L)
      Sys.sleep(10)
    }, list(1)),
    class = "elsewhere_worker_died"
  )
  expect_identical(error$signal, 11L)
  expect_identical(error$stdout, "last words\n")
  text <- conditionMessage(error)
  expect_match(text, "crashed with exit code -11", fixed = TRUE)
  expect_match(text, "signal 11 (SIGSEGV", fixed = TRUE)
  expect_match(
    text, "running `function(x) { cat(\"last words\\n\") ", fixed = TRUE
  )
  session$restart()
  error <- expect_error(
    session$run(function() tools::pskill(Sys.getpid(), 9L)),
    class = "elsewhere_worker_died"
  )
  expect_match(
    conditionMessage(error),
    "It was running `function() tools::pskill(Sys.getpid(), 9L)`.",
    fixed = TRUE
  )
})

test_that("a site environment file may set the user's profile", {
  folder <- normalizePath(withr::local_tempdir())
  site <- file.path(folder, "site")
  profile <- file.path(folder, "profile.R")
  writeLines("options(elsewhere.test = 'never')", profile)
  writeLines(
    c(paste0("R_PROFILE_USER=", profile), "ELSEWHERE_TEST_E=e"), site
  )
  withr::local_envvar(R_ENVIRON = site, CALLR_TMPDIR = folder)
  session <- local_session()
  expect_identical(
    session$run(function() {
      list(Sys.getenv("ELSEWHERE_TEST_E"), Sys.getenv("R_ENVIRON"),
           getOption("elsewhere.test"))
    }),
    list("e", site, NULL)
  )
  # The copy of the file is where CALLR_TMPDIR says, until the session ends.
  expect_length(list.files(folder, "^elsewhere-renviron"), 1L)
  session$close()
  expect_length(list.files(folder, "^elsewhere-renviron"), 0L)
})

test_that("a session that was started again is collected as any other", {
  said <- processx::run(
    file.path(R.home("bin"), "R"), c("--vanilla", "-s", "-e", paste(
      "library(elsewhere)",
      "options <- r_session_options(extra = list(cleanup_tree = TRUE))",
      "rs <- r_session$new(options)", "invisible(rs$restart())",
      "pid <- rs$run(function() processx::process$new('sleep', '4713',",
      "  cleanup = FALSE)$get_pid())",
      "directory <- rs$run(function() tempdir())",
      "rm(rs)", "invisible(gc())", "cat(pid, directory, sep = '\\n')",
      sep = "\n"
    )),
    env = c("current", R_LIBS = paste(.libPaths(), collapse = ":")),
    error_on_status = FALSE, timeout = 120
  )
  expect_identical(said$stderr, "")
  named <- strsplit(said$stdout, "\n")[[1L]]
  expect_length(named, 2L)
  expect_true(wait_until(function() !is_process(as.integer(named[[1L]]))))
  expect_false(dir.exists(named[[2L]]))
})
