# Values that travel in shared memory.

# Bytes that differ from value to value and from place to place.
numbered <- function(n, seed) as.integer(seq_len(n) * seed %% 8191L)

test_that("a call with large arguments does not wait for its session", {
  session <- local_session()
  # A call that waits is let go by this one, and finds the session running.
  guard <- processx::process$new(
    "sh", c("-c", "sleep 30; kill -CONT $0", session$get_pid())
  )
  withr::defer(guard$kill())
  for (bytes in c(150, 300, 500, 900, 5000) * 1024) {
    session$suspend()
    session$call(function(x) length(x), list(raw(bytes)))
    expect_identical(session$get_status(), "stopped")
    session$resume()
    expect_equal(next_event(session)$result, bytes)
  }
})

test_that("a time limit ends a call whose arguments nobody reads", {
  # Files are limited in size there, and so there is no shared memory.
  program <- c(
    "library(elsewhere)",
    "session <- r_session$new()",
    "session$suspend()",
    "limited <- function(code) tryCatch({",
    "  setTimeLimit(elapsed = 1, transient = TRUE)",
    "  code",
    "}, error = function(e) cat('ended:', conditionMessage(e), '\\n'))",
    "limited(session$call(function(x) length(x), list(raw(3e6))))",
    "setTimeLimit()",
    "cat(session$get_state(), '\\n')",
    "session$resume()",
    "event <- NULL",
    "while (is.null(event)) {",
    "  session$poll_process(1000)",
    "  event <- session$read()",
    "}",
    "cat('result', event$result, '\\n')",
    "cat('again', session$run(function(x) length(x), list(raw(2e6))), '\\n')"
  )
  owner <- local_r_process(program, limit = "ulimit -f 1000000")
  output <- owner$read_all_output()
  expect_match(output, "ended: reached elapsed time limit")
  expect_match(output, "busy ")
  expect_match(output, "result 3000000 ")
  expect_match(output, "again 2000000 ")
})

test_that("more large results than descriptors wait to be collected", {
  program <- c(
    "library(elsewhere)", "plan(multisession, workers = 2)",
    "futures <- lapply(1:400, function(i) future(c(i, numeric(2e4))))",
    "resolve(futures)",
    "values <- value(futures)",
    "cat(all(vapply(values, `[[`, 0, 1) == 1:400), lengths(values)[[1]], '\\n')"
  )
  owner <- local_r_process(program, limit = "ulimit -n 256")
  expect_match(owner$read_all_output(), "TRUE 20001")
})

test_that("values of all sizes arrive as they were sent, one after another", {
  local_leak_check(allow = "elsewhere-io|eventfd|epoll|timerfd")
  session <- local_session()
  sizes <- c(1e5, 24e3, 26e3, 5e5, 10, 3e4, 2e6, 3e4, 7e6, 5e4)
  for (i in seq_along(sizes)) {
    sent <- numbered(sizes[[i]], i)
    expect_identical(session$run(function(x) rev(x), list(sent)), rev(sent))
  }
})

test_that("what waits in a pool is not written over by what comes after", {
  local_plan(multisession, workers = 2)
  futures <- lapply(1:40, function(i) {
    x <- numbered(2e4 + 1000 * i, i)
    future(list(i, rev(x)), globals = list(x = x, i = i))
  })
  collected <- lapply(seq(1, 40, by = 3), function(i) value(futures[[i]]))
  more <- lapply(1:10, function(i) future(numeric(5e4) + i))
  for (i in 1:10) expect_identical(value(more[[i]]), numeric(5e4) + i)
  for (i in seq_along(futures)) {
    expect_identical(
      value(futures[[i]]), list(i, rev(numbered(2e4 + 1000 * i, i)))
    )
  }
})

test_that("large conditions arrive in order, with the result behind them", {
  session <- local_session()
  session$call(function() {
    for (i in 1:30) {
      signalCondition(structure(
        class = c("callr_message", "condition"),
        list(message = "large", number = i, ballast = rep(i, 3e4))
      ))
    }
    rep(31, 5e4)
  })
  for (i in 1:30) {
    event <- next_event(session)
    expect_identical(event$code, 301L)
    expect_identical(event$message$number, i)
    expect_identical(event$message$ballast, rep(i, 3e4))
  }
  expect_identical(next_event(session)$result, rep(31, 5e4))
})

test_that("a result that nobody has collected ends with its session", {
  local_leak_check()
  session <- local_session()
  session$call(function() numeric(1e6))
  session$poll_process(60000)
  session$kill()
  expect_identical(session$get_state(), "finished")
})

test_that("a result that is too large for its owner is an error of its call", {
  program <- c(
    "library(elsewhere)",
    "session <- r_session$new()",
    "ballast <- raw(8e8)",
    "large <- function() {",
    "  Sys.sleep(0.3)",
    "  raw(6e8)",
    "}",
    "say <- function(error) cat(class(error), conditionMessage(error), '\\n')",
    "invisible(tryCatch(session$run(large), error = say))",
    "cat(session$get_state(), session$run(function() 1), '\\n')",
    "session$call(large)",
    "event <- NULL",
    "while (is.null(event)) {",
    "  session$poll_process(-1)",
    "  event <- session$read()",
    "}",
    "say(event$error)",
    "cat(session$get_state(), '\\n')",
    "process <- r_bg(large)",
    "process$wait()",
    "invisible(tryCatch(process$get_result(), error = say))",
    "rm(ballast)",
    "invisible(gc())",
    "cat('then', length(session$run(large)), '\\n')"
  )
  # Enough for each alone, and not for both.
  owner <- local_r_process(program, limit = "ulimit -v 1300000")
  output <- owner$read_all_output_lines()
  failed <- "elsewhere_unreadable_result .*cannot allocate vector of size"
  expect_match(output[[1]], failed)
  expect_identical(output[[2]], "idle 1 ")
  said <- grep(failed, output)
  expect_length(said, 3)
  expect_identical(output[[said[[2]] + 1]], "idle ")
  expect_match(output, "then 600000000", all = FALSE)
})

test_that("a payload that its worker cannot take in is said to be that", {
  skip_if(Sys.which("prlimit") == "", "there is no prlimit")
  limit_memory <- function(pid) {
    status <- readLines(file.path("/proc", pid, "status"))
    used <- grep("^VmSize:", status, value = TRUE)
    used <- as.numeric(gsub("[^0-9]", "", used)) * 1024
    processx::run("prlimit", c(
      "--pid", pid, sprintf("--as=%.0f", used + 5e7)
    ))
  }
  large <- raw(3e8)
  said <- "could not be read by its process: .*cannot allocate"
  session <- local_session()
  limit_memory(session$get_pid())
  error <- expect_error(
    session$run(function(x) length(x), list(large)), class = "callr_error"
  )
  expect_match(conditionMessage(error$parent), said)
  expect_identical(session$run(function() 1), 1)
  local_plan(multisession, workers = I(1))
  limit_memory(value(future(Sys.getpid())))
  error <- error_of(value(future(length(large))))
  expect_s3_class(error, "FutureError")
  expect_match(conditionMessage(error), paste0("> ", said))
  expect_identical(value(future(2)), 2)
})
