# Sessions, pools and forks where a container's filter refuses system calls.

# tests/refuse, compiled; skips where it cannot be, or must not set a filter.
refuser <- function() {
  source <- test_path("..", "refuse", "refuse.cpp")
  skip_if_not(file.exists(source), "tests/refuse is here")
  skip_if_not(nzchar(Sys.which("g++")), "a C++ compiler is there")
  program <- tempfile("refuse")
  made <- system2(
    "g++", c("-std=c++20", "-o", program, source),
    stdout = TRUE, stderr = TRUE
  )
  skip_if_not(
    file.exists(program), paste(c("it compiles:", made), collapse = "\n")
  )
  tried <- suppressWarnings(system2(
    program, c("EPERM", "signalfd4", "true"),
    stdout = TRUE, stderr = TRUE
  ))
  skip_if_not(is.null(attr(tried, "status")), paste(tried, collapse = "\n"))
  program
}

# Prints a line for each thing that works, and what went wrong with the others.
work <- c(
  "library(elsewhere)",
  "try_out <- function(name, code) {",
  "  said <- tryCatch(if (isTRUE(code)) 'works' else 'is wrong',",
  "    error = function(e) conditionMessage(e))",
  "  cat(name, ': ', said, '\\n', sep = '')",
  "}",
  "seconds <- function(code) system.time(code)[['elapsed']]",
  "for (start in c('nursery', 'exec')) {",
  "  options(elsewhere.session_start = start)",
  "  rs <- r_session$new()",
  "  try_out('run', rs$run(function() 6 * 7) == 42)",
  "  said <- rs$run_with_output(function() cat('a'))$stdout",
  "  try_out('output', identical(said, 'a'))",
  "  try_out('large', sum(rs$run(function() numeric(1e6) + 1)) == 1e6)",
  "  try_out('interrupt', {",
  "    rs$call(function() Sys.sleep(100))",
  "    rs$interrupt()",
  "    rs$poll_process(30000)",
  "    inherits(rs$read()$error, 'error') && rs$run(function() 1) == 1",
  "  })",
  "  try_out('kill', { rs$kill(); !rs$is_alive() })",
  "  try_out('close', {",
  "    rs <- r_session$new()",
  "    rs$close()",
  "    !rs$is_alive()",
  "  })",
  "}",
  "works <- function() {",
  "  try_out('value', value(future(6 * 7)) == 42)",
  "  try_out('cancel', {",
  "    f <- future(Sys.sleep(100))",
  "    cancel(f)",
  "    seconds(try(value(f), silent = TRUE)) < 10 &&",
  "      seconds(value(future(1))) < 10",
  "  })",
  "}",
  "try_out('pool', { plan(multisession, workers = 2); works(); TRUE })",
  "try_out('fork', { plan(multicore, workers = 2); works(); TRUE })",
  "plan(sequential)"
)

said_under <- function(program, error, calls) {
  script <- withr::local_tempfile(lines = work, fileext = ".R")
  withr::local_envvar(R_LIBS = paste(.libPaths(), collapse = ":"))
  said <- system2(
    program, c(error, calls, file.path(R.home("bin"), "Rscript"), script),
    stdout = TRUE, stderr = TRUE
  )
  # R itself says a line at an interrupt, and processx where it misses /proc.
  grep("^[a-z]+: ", said, value = TRUE)
}

all_that_works <- c(
  rep(c("run", "output", "large", "interrupt", "kill", "close"), 2),
  "value", "cancel", "pool", "value", "cancel", "fork"
)
refusable <- c(
  "pidfd_open", "pidfd_send_signal", "memfd_create", "eventfd2", "signalfd4",
  "close_range", "prctl", "timerfd_create", "sched_setaffinity"
)

test_that("all works where a call is refused, alone or with all others", {
  skip_on_cran()
  program <- refuser()
  for (calls in c(refusable, paste(refusable, collapse = ","))) {
    said <- said_under(program, "EPERM", calls)
    expect_identical(said, paste0(all_that_works, ": works"), info = calls)
  }
  calls <- paste(c(refusable, "epoll_create1"), collapse = ",")
  expect_identical(
    said_under(program, "ENOSYS", calls), paste0(all_that_works, ": works")
  )
})

test_that("all works without /proc", {
  skip_on_cran()
  program <- refuser()
  for (calls in c("proc", "proc,unshare")) {
    said <- said_under(program, "EPERM", calls)
    skip_if(any(grepl("^refuse:", said)), paste(said, collapse = "\n"))
    expect_identical(said, paste0(all_that_works, ": works"), info = calls)
  }
})

test_that("a portable build does not need epoll", {
  skip_on_cran()
  skip_if_not(is_portable(), "this build waits by epoll")
  expect_identical(
    said_under(refuser(), "EPERM", "epoll_create1"),
    paste0(all_that_works, ": works")
  )
})

test_that("where epoll is refused, sessions work and plan() names the call", {
  skip_on_cran()
  skip_if(is_portable(), "a portable build waits by select()")
  said <- said_under(refuser(), "EPERM", "epoll_create1")
  expect_match(
    said, "^pool: .*epoll: Operation not permitted.*ELSEWHERE_OS=portable",
    all = FALSE
  )
  expect_identical(sum(grepl("^run: works", said)), 2L)
})
