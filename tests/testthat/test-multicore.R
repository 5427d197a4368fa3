local_multicore <- function(workers = 2, env = parent.frame()) {
  plan(multicore, workers = workers)
  withr::defer(plan(sequential), envir = env)
}

fork_of <- function(body, ...) elsewhere:::fork_start(body, ...)

settled <- function(task) {
  testthat::expect_true(elsewhere:::tasks_wait(list(task), 60))
  elsewhere:::task_outcome(task)
}

# Forks that have settled are on their way out.
expect_no_forks_left <- function() {
  deadline <- Sys.time() + 60
  while (.Call(elsewhere:::ew_fork_leaving) > 0L && Sys.time() < deadline) {
    Sys.sleep(0.01)
  }
  expect_identical(.Call(elsewhere:::ew_fork_leaving), 0L)
}

test_that("a fork sees everything this process has and sends its value", {
  local_leak_check()
  here <- new.env()
  here$x <- 41
  outcome <- settled(fork_of(function() here$x + 1))
  expect_identical(outcome$kind, "value")
  expect_identical(outcome$value, 42)
  expect_false(outcome$pid == Sys.getpid())
  expect_no_forks_left()
})

test_that("a large value comes back whole", {
  value <- settled(fork_of(function() as.double(1:1e6)))$value
  expect_identical(value, as.double(1:1e6))
})

test_that("a fork that is killed, crashes or quits is lost, with the reason", {
  lost <- function(body) {
    outcome <- settled(fork_of(body))
    expect_identical(outcome$kind, "lost")
    outcome
  }
  expect_identical(lost(function() tools::pskill(Sys.getpid(), 9))$signal, 9L)
  expect_identical(lost(function() tools::pskill(Sys.getpid(), 11))$signal, 11L)
  outcome <- lost(function() quit("no", 3))
  expect_identical(outcome$status, 3L)
  expect_match(outcome$message, "ended with status 3")
  # The session's temporary directory is the owner's.
  expect_true(dir.exists(tempdir()))
})

test_that("what a fork does to handlers and restarts stays in it", {
  seen <- FALSE
  outcome <- withCallingHandlers(
    tryCatch(
      settled(fork_of(function() {
        options(show.error.messages = FALSE)
        stop("in the fork")
      })),
      error = function(e) "an error of the fork reached its owner"
    ),
    error = function(e) seen <<- TRUE
  )
  expect_identical(outcome$kind, "aborted")
  expect_false(seen)
})

test_that("a value that cannot travel is refused", {
  outcome <- settled(fork_of(function() rawConnection(raw())))
  expect_identical(outcome$kind, "unserializable")
})

test_that("a cancelled fork settles at once and is gone after its grace", {
  local_leak_check()
  task <- fork_of(function() {
    repeat tryCatch(Sys.sleep(60), interrupt = function(e) NULL)
  })
  expect_identical(elsewhere:::task_state(task), "running")
  expect_true(elsewhere:::task_cancel(task, 0.1))
  expect_identical(elsewhere:::task_outcome(task)$kind, "cancelled")
  expect_false(elsewhere:::task_cancel(task, 0.1))
  expect_no_forks_left()
})

test_that("a fork that nobody asks for any more is ended", {
  local_leak_check()
  task <- fork_of(function() repeat NULL)
  rm(task)
  gc()
  expect_no_forks_left()
})

test_that("a time limit ends a fork, also in C code", {
  task <- fork_of(function() Sys.sleep(60), timeout = 0.1)
  expect_identical(settled(task)$kind, "timeout")
})

test_that("a lost fork is tried again", {
  file <- withr::local_tempfile()
  outcome <- settled(fork_of(function() {
    if (!file.exists(file)) {
      file.create(file)
      tools::pskill(Sys.getpid(), 9)
      Sys.sleep(60)
    }
    "second"
  }, retries = 1L))
  expect_identical(outcome$value, "second")
})

test_that("what a fork reads from standard input is not its owner's", {
  outcome <- settled(fork_of(function() readLines(file("stdin"))))
  expect_identical(outcome$value, character())
})

test_that("conditions come while the fork runs", {
  task <- fork_of(function() {
    .Call(elsewhere:::ew_fork_emit, simpleCondition("now"))
    Sys.sleep(60)
  })
  expect_identical(elsewhere:::tasks_wait(list(task), 60, events = TRUE), NA)
  events <- elsewhere:::task_events(task)
  expect_identical(conditionMessage(events[[1L]]), "now")
  elsewhere:::task_cancel(task, 0)
})

test_that("futures of plan(multicore) run in forks of this process", {
  local_multicore()
  only_here <- new.env()
  only_here$pointer <- tempfile
  pids <- value(list(
    future(c(Sys.getpid(), parallelly::availableCores() > 0)),
    future(Sys.getpid())
  ))
  expect_false(any(unlist(lapply(pids, `[[`, 1L)) == Sys.getpid()))
  f <- future({
    cat("printed\n")
    warning("warned")
    6 * 7
  })
  expect_s3_class(f, "MulticoreFuture")
  expect_output(
    expect_warning(expect_identical(value(f), 42), "warned"), "printed"
  )
  expect_error(value(future(stop("its own error"))), "its own error")
})

test_that("no more forks run at a time than there are workers", {
  local_multicore(2)
  folder <- withr::local_tempdir()
  counts <- future_map(1:8, function(i) {
    file <- file.path(folder, i)
    file.create(file)
    Sys.sleep(0.05)
    count <- length(list.files(folder))
    unlink(file)
    count
  })
  expect_lte(max(unlist(counts)), 2L)
})

test_that("forks without a seed draw different numbers, with one the same", {
  local_multicore()
  set.seed(1)
  draws <- value(list(
    future(runif(1), seed = NULL), future(runif(1), seed = NULL)
  ))
  expect_false(identical(draws[[1L]], draws[[2L]]))
  under <- function(strategy) {
    plan(strategy, workers = 2)
    set.seed(3)
    value(list(future(runif(2), seed = TRUE), future(rnorm(2), seed = TRUE)))
  }
  expect_identical(under(multicore), {
    plan(sequential)
    set.seed(3)
    value(list(future(runif(2), seed = TRUE), future(rnorm(2), seed = TRUE)))
  })
})

test_that("a promise of a forked future is kept", {
  local_multicore()
  got <- NULL
  promises::then(promises::as.promise(future(5)), function(x) got <<- x)
  deadline <- Sys.time() + 60
  while (is.null(got) && Sys.time() < deadline) later::run_now(0.1)
  expect_identical(got, 5)
})

test_that("a change of plan ends the forks of the former one", {
  local_leak_check()
  plan(multicore, workers = 2)
  f <- future(Sys.sleep(60))
  plan(sequential)
  expect_error(value(f), class = "FutureInterruptError")
  expect_no_forks_left()
})

test_that("forks work beside a pool, also in one list", {
  local_multicore()
  forked <- future(Sys.getpid())
  pooled <- multisession(Sys.getpid(), workers = I(1))
  pids <- value(list(forked, pooled))
  expect_false(pids[[1L]] == pids[[2L]])
  expect_false(any(unlist(pids) == Sys.getpid()))
})

test_that("forks are gone within a second after their owner is killed", {
  owner <- local_r_process(c(
    "library(elsewhere)",
    "plan(multicore, workers = 2)",
    "a <- future(repeat NULL)",
    "b <- future(Sys.sleep(100))",
    "cat('ready\\n')",
    "Sys.sleep(100)"
  ))
  read_line(owner, "^ready")
  pids <- children_of(owner$get_pid())
  expect_length(pids, 2L)
  owner$kill(grace = 0)
  expect_true(within_a_second(function() !any(vapply(pids, is_process, NA))))
})

test_that("a list of forks and pool tasks settles as they come", {
  skip_if_not(supportsMulticore())
  local_plan(multisession, workers = 2)
  go_on <- withr::local_tempfile()
  pooled <- future({ while (!file.exists(go_on)) Sys.sleep(0.01); "pooled" })
  forked <- multicore({ file.create(go_on); "forked" }, workers = 2)
  withr::defer(leave_backend())
  expect_identical(value(list(pooled, forked)), list("pooled", "forked"))
  later <- withr::local_tempfile()
  forked <- multicore(
    { while (!file.exists(later)) Sys.sleep(0.01); "forked" }, workers = 2
  )
  pooled <- future({ file.create(later); "pooled" })
  expect_identical(value(list(forked, pooled)), list("forked", "pooled"))
})
