# r() and r_bg(): one function in a process of its own.

test_that("r() returns the value of the function", {
  r(function() NULL)
  local_leak_check()
  expect_identical(r(function(x) x + 1, list(41)), 42)
  expect_false(identical(r(function() Sys.getpid()), Sys.getpid()))
  expect_null(r(function() NULL))
  expect_identical(r(toupper, list("a")), "A")
  large <- runif(1e6)
  expect_identical(r(function(x) x, list(large)), large)
})

test_that("values of any size are there when nobody read before the end", {
  for (count in c(10, 1e4, 3e4, 5e4, 1e5)) {
    process <- r_bg(function(n) seq_len(n) + 0.5, list(count))
    process$wait(60000)
    expect_false(process$is_alive())
    expect_identical(process$get_result(), seq_len(count) + 0.5)
    expect_identical(length(process$get_result()), as.integer(count))
  }
})

test_that("an error of the function comes with output and status", {
  error <- expect_error(
    r(function() {
      cat("o\n")
      message("m")
      stop("boo")
    }),
    class = "callr_status_error"
  )
  expect_identical(
    class(error),
    c("callr_status_error", "callr_error", "rlib_error_3_0", "rlib_error",
      "error", "condition")
  )
  expect_identical(error$status, 1L)
  expect_identical(error$stdout, "o\n")
  expect_identical(error$stderr, "m\n")
  expect_identical(conditionMessage(error$parent), "boo")
  expect_identical(
    conditionMessage(error),
    "! in callr subprocess.\nCaused by error in `(function () ...`:\n! boo"
  )
})

test_that("a process that ends without a result is an error", {
  error <- expect_error(
    r(function() q(status = 5)), class = "callr_status_error"
  )
  expect_identical(error$status, 5L)
  expect_match(conditionMessage(error), "exited with non-zero status")
  process <- r_bg(function() Sys.sleep(100))
  expect_error(process$get_result(), "Still alive")
  process$kill(grace = 0)
  error <- expect_error(process$get_result(), class = "callr_status_error")
  expect_identical(error$status, -9L)
})

test_that("a process that takes too long is killed", {
  error <- expect_error(
    r(function() Sys.sleep(100), timeout = 0.3), class = "callr_timeout_error"
  )
  expect_identical(conditionMessage(error), "! callr timed out")
})

test_that("output goes where it is asked to go", {
  file <- withr::local_tempfile()
  r(
    function() {
      cat("a\n")
      message("b")
      system("echo c")
    },
    stdout = file, stderr = "2>&1"
  )
  expect_identical(readLines(file), c("a", "b", "c"))
  lines <- character()
  r(
    function() cat("x\ny\nhalf"),
    callback = function(line) lines <<- c(lines, line)
  )
  expect_identical(lines, c("x", "y", "half"))
  pieces <- character()
  r(
    function() cat("x\ny\n"),
    block_callback = function(piece) pieces <<- c(pieces, piece)
  )
  expect_identical(paste(pieces, collapse = ""), "x\ny\n")
  expect_output(r(function() cat("shown\n"), show = TRUE), "shown")
  expect_silent(r(function() cat("kept\n")))
})

test_that("r_bg() gives a process that poll() takes", {
  process <- r_bg(function() {
    cat("hi\n")
    3
  })
  expect_identical(class(process), c("r_process", "process", "R6"))
  expect_identical(process$poll_io(60000)[["process"]] != "nopipe", TRUE)
  process$wait(60000)
  expect_identical(process$get_result(), 3)
  expect_identical(process$read_output(), "hi\n")
  expect_identical(process$get_exit_status(), 0L)
  expect_identical(poll(list(process), 60000)[[1]][["process"]], "ready")
  quiet <- r_bg(function() 1, poll_connection = FALSE)
  expect_false(quiet$has_poll_connection())
  quiet$wait(60000)
  expect_identical(quiet$get_result(), 1)
})

test_that("a process that poll() finds ready has its result", {
  for (i in 1:5) {
    process <- r_bg(function() {
      reg.finalizer(globalenv(), function(e) Sys.sleep(0.05), onexit = TRUE)
      3
    })
    processx::poll(list(process$get_poll_connection()), -1)
    expect_identical(process$get_result(), 3)
    expect_identical(process$get_exit_status(), 0L)
  }
  running <- r_bg(function() Sys.sleep(100))
  expect_error(running$get_result(), class = "elsewhere_still_running")
  running$kill()
})

test_that("the process sees what its options say", {
  home <- normalizePath(withr::local_tempdir())
  seen <- r(
    function() list(Sys.getenv("ELSEWHERE_TEST_D"), getwd(), commandArgs()[-1]),
    env = c(ELSEWHERE_TEST_D = "d"), wd = home
  )
  expect_identical(
    seen, list("d", home, c("--slave", "--no-save", "--no-restore"))
  )
  withr::local_dir(home)
  writeLines("options(elsewhere.test = 1)", ".Rprofile")
  look <- function() getOption("elsewhere.test")
  expect_identical(r(look), 1)
  expect_null(r(look, user_profile = FALSE))
})

test_that("error = \"stack\" brings the frames", {
  error <- expect_error(
    r(function() {
      here <- 1
      stop("x")
    }, error = "stack"),
    class = "callr_status_error"
  )
  expect_s3_class(error$stack, "dump.frames")
})

test_that("a process is killed with its object", {
  process <- r_bg(function() Sys.sleep(100))
  pid <- process$get_pid()
  rm(process)
  gc()
  expect_true(wait_until(function() !is_process(pid)))
})

test_that("a function that quits has no value, or the error of its status", {
  expect_null(r(function() quit("no")))
  process <- r_bg(function() quit("no"))
  process$wait()
  expect_null(process$get_result())
  error <- expect_error(
    r(function() quit("no", 2)), class = "callr_status_error"
  )
  expect_identical(error$status, 2L)
})

test_that("both streams may go to one file, in the order of printing", {
  file <- withr::local_tempfile()
  speak <- function() {
    cat("one", file = stdout())
    cat("two", file = stderr())
    cat("three\n", file = stdout())
  }
  r(speak, stdout = file, stderr = file)
  expect_identical(readLines(file), "onetwothree")
})

test_that("R may be started without any argument", {
  file <- withr::local_tempfile()
  expect_identical(r(function() 1, stdout = file, cmdargs = character()), 1)
  expect_match(readLines(file), "^R version", all = FALSE)
})

test_that("a time limit may be a difftime", {
  short <- as.difftime(0.2 / 60, units = "mins")
  expect_error(
    r(function() Sys.sleep(1000), timeout = short),
    class = "callr_timeout_error"
  )
  session <- local_session()
  expect_error(
    session$run(function() Sys.sleep(1000), timeout = short),
    class = "callr_timeout_error"
  )
})

test_that("the result of a process that runs is refused with a reason", {
  process <- r_bg(function() Sys.sleep(1000))
  withr::defer(process$kill())
  expect_error(
    process$get_result(), "Still alive: .*wait",
    class = "elsewhere_still_running"
  )
})
