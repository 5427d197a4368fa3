# What goes wrong in a worker is a typed error of its future, and the next
# future runs. `expr` is evaluated in a worker of a pool of one.
failure_of <- function(expr, ...) {
  error <- error_of(value(future(expr, substitute = FALSE, ...)))
  # A cluster of others has a node less then, and says so.
  expect_equal(suppressWarnings(
    value(future(41 + 1)),
    classes = "elsewhere_node_lost"
  ), 42)
  error
}

test_that("a worker that is killed, quits or crashes interrupts its future", {
  local_plan(multisession, workers = I(1))
  expect_lost <- function(expr, words) {
    error <- failure_of(expr)
    expect_s3_class(error, c("FutureInterruptError", "FutureError"))
    expect_match(conditionMessage(error), words)
  }
  expect_lost(quote(tools::pskill(Sys.getpid(), 9)), "killed by signal 9")
  expect_lost(quote(tools::pskill(Sys.getpid(), 15)), "killed by signal 15")
  expect_lost(quote(quit()), "ended with status 0")
  expect_lost(quote(q("no", 3)), "ended with status 3")
  # A segmentation fault, with what R said of it.
  expect_lost(
    quote(tools::pskill(Sys.getpid(), 11)), "signal 11.*caught segfault"
  )
  expect_lost(quote(tools::pskill(Sys.getpid(), 6)), "signal 6")
})

test_that("a stack that overflows is an error of the expression, or ends it", {
  local_plan(multisession, workers = I(1))
  error <- failure_of(quote({
    f <- function() f()
    f()
  }))
  expect_s3_class(error, "stackOverflowError")
  error <- failure_of(quote({
    options(expressions = 5e5)
    f <- function(x) Recall(x)
    f(1)
  }))
  expect_s3_class(error, "CStackOverflowError")
  expect_match(conditionMessage(error), "^C stack usage")
  local_plan(sequential)
  f <- future({
    f <- function() f()
    f()
  })
  expect_error(value(f), class = "stackOverflowError")
})

test_that("C code that runs over its stack or through a null pointer", {
  library_file <- local_c_library(c(
    "#include <string.h>",
    "volatile int sink;",
    "static int deep(int n) {",
    "  volatile char room[4096];",
    "  memset((void *)room, n, sizeof room);",
    "  return deep(n + 1) + room[n % 4096];",
    "}",
    "void overflow(int *x) { sink = deep(*x); }",
    "void null(int *x) { *(volatile int *)0 = *x; }"
  ))
  local_plan(multisession, workers = I(1))
  crash <- function(name) bquote({
    dyn.load(.(library_file))
    .C(.(name), 1L)
  })
  # R itself survives the first, by a jump to its top level.
  for (name in c("overflow", "null")) {
    expect_s3_class(failure_of(crash(name)), "FutureInterruptError")
  }
})

test_that("a value that cannot be serialized is an error with the reason", {
  local_plan(multisession, workers = I(1))
  error <- failure_of(quote({
    x <- list()
    for (i in 1:1e6) x <- list(x)
    x
  }))
  expect_s3_class(error, "FutureError")
  expect_match(conditionMessage(error), "cannot be sent back.*stack")
  error <- failure_of(quote(file(tempfile(), "w")))
  expect_match(
    conditionMessage(error), "cannot be sent back: [^\n]* process[.] Return"
  )
})

test_that("memory that there is not is an error of the expression", {
  local_plan(multisession, workers = I(1))
  expect_match(
    conditionMessage(failure_of(quote(numeric(1e14)))), "cannot allocate"
  )
  # Under a limit of the operating system, as batch systems set one.
  owner <- local_r_process(bquote_lines({
    library(elsewhere)
    plan(multisession, workers = I(1))
    e <- tryCatch(value(future(length(numeric(5e8)))), error = conditionMessage)
    cat("got:", e, value(future(1 + 1)), "\n")
  }), limit = "ulimit -v 3000000")
  line <- read_line(owner, "got:")
  expect_match(line, "cannot allocate.* 2")
})

test_that("a limit on the size of files ends a task that goes over it", {
  owner <- local_r_process(bquote_lines({
    library(elsewhere)
    plan(multisession, workers = I(1))
    large <- value(future(raw(3e6)))
    lengths <- c(length(large), value(future(length(large))))
    e <- tryCatch(
      value(future(writeBin(raw(1e7), tempfile()))), error = conditionMessage
    )
    cat("got:", lengths, gsub("\n", " ", e), "next", value(future(1 + 1)), "\n")
  }), limit = "ulimit -f 1000")
  # Values do not travel through files, however large.
  line <- read_line(owner, "got:")
  expect_match(line, "got: 3000000 3000000 .*(signal 25|write).* next 2")
})

# What an owner says that fills the file system of its temporary directory in
# a worker of the plan, which the worker has from it.
line_on_full_disk <- function(choose) {
  place <- withr::local_tempdir()
  mounted <- processx::run(
    "mount", c("-t", "tmpfs", "-o", "size=256k", "tmpfs", place),
    error_on_status = FALSE
  )
  testthat::skip_if_not(mounted$status == 0L, "a file system can be mounted")
  withr::defer(processx::run("umount", c("-l", place)))
  owner <- local_r_process(c(
    "library(elsewhere)",
    deparse(choose),
    bquote_lines({
      e <- tryCatch(
        value(future({
          path <- tempfile()
          write <- file(path, "wb")
          on.exit(close(write))
          writeBin(raw(1e6), write)
          flush(write)
          if (file.size(path) < 1e6) stop("the disk is full")
        }, conditions = "error")), error = conditionMessage
      )
      large <- value(future({
        writeBin(raw(1e6), tempfile())
        raw(3e6)
      }, conditions = "error"))
      said <- capture.output(value(future(cat("said"))))
      lost <- tryCatch(
        value(future({
          tools::pskill(Sys.getpid(), 9)
          Sys.sleep(60)
        })), FutureInterruptError = function(e) "FutureInterruptError"
      )
      after <- tryCatch(value(future(1 + 1)), FutureError = conditionMessage)
      cat("got:", e, length(large), said, lost, "next", after, "\n")
    })
  ), env_variables = c(TMPDIR = place))
  read_line(owner, "got:")
}

test_that("a full disk in a worker's temporary directory, under every plan", {
  testthat::skip_if_not(
    Sys.info()[["user"]] == "root" && nzchar(Sys.which("mount")),
    "a file system can be mounted"
  )
  plans <- list(
    multisession = quote(plan(multisession, workers = I(1))),
    multicore = quote(plan(multicore, workers = I(1))),
    hosts = quote(plan(cluster, workers = "localhost")),
    # A node that ends is not replaced.
    nodes = quote(plan(cluster, workers = parallel::makeCluster(2L)))
  )
  for (name in names(plans)) {
    line <- line_on_full_disk(plans[[name]])
    # Neither values nor what is printed pass through files.
    # A worker can still start.
    expect_match(
      line,
      "(disk is full|cannot|write).* 3000000 said FutureInterruptError next 2 ",
      info = name
    )
  }
})

# Code that stops its own process, which nobody continues.
stopping <- function() {
  quote({
    tools::pskill(Sys.getpid(), tools::SIGSTOP)
    Sys.sleep(1000)
  })
}

# After ten seconds, by the engine.
expect_ended_when_stopped <- function() {
  error <- failure_of(stopping())
  expect_s3_class(error, "FutureInterruptError")
  expect_match(conditionMessage(error), "stopped by a signal")
}

expect_stop_is_bounded <- function() {
  expect_s3_class(failure_of(stopping(), timeout = 0.3), "elsewhere_timeout")
  f <- future(stopping(), substitute = FALSE)
  cancel(f, grace = 0.1)
  expect_error(value(f), class = "FutureCanceledError")
  expect_equal(value(future(1 + 1)), 2)
  expect_ended_when_stopped()
}

test_that("a stopped worker is bounded by `timeout`, cancel() and the engine", {
  local_plan(multisession, workers = I(1))
  expect_stop_is_bounded()
})

test_that("a stopped fork is bounded, too", {
  local_plan(multicore, workers = 2)
  expect_stop_is_bounded()
})

test_that("what happens to a process is an error under every plan", {
  cl <- parallel::makeCluster(7L)
  pids <- unlist(parallel::clusterCall(cl, Sys.getpid))
  withr::defer(try(parallel::stopCluster(cl), silent = TRUE))
  # One of them stays stopped.
  withr::defer(tools::pskill(pids, tools::SIGKILL))
  nodes <- quote(plan(cluster, workers = cl))
  plans <- list(
    quote(plan(multisession, workers = 2)), quote(plan(multicore, workers = 2)),
    quote(plan(cluster, workers = c("localhost", "localhost"))), nodes
  )
  local_plan(sequential)
  for (choose in plans) {
    eval(choose)
    for (ending in list(
      quote(tools::pskill(Sys.getpid(), 9)), quote(quit("no")),
      quote(tools::pskill(Sys.getpid(), 11)), quote(q("no", 3))
    )) {
      # The signal may take a moment.
      error <- failure_of(call("{", ending, quote(Sys.sleep(60))))
      expect_s3_class(error, "FutureInterruptError")
    }
    error <- failure_of(quote(file(tempfile(), "w")))
    expect_match(conditionMessage(error), "cannot be sent back")
    # Those of workers and forks of this machine have tests of their own.
    if (identical(choose[[2L]], quote(cluster))) expect_ended_when_stopped()
  }
})

test_that("futures that nobody holds leave their place to others", {
  for (strategy in list(multisession, multicore)) {
    local({
      local_plan(strategy, workers = 2)
      for (i in 1:4) future(Sys.sleep(1000))
      expect_equal(value(future(1 + 1)), 2)
    })
  }
})

test_that("a condition arrives, whatever it drags along", {
  raise <- quote({
    held <- rawConnection(raw())
    on.exit(close(held))
    condition <- structure(
      class = c("dragging", kind, "condition"),
      list(message = "said", call = NULL, held = held)
    )
    if (kind == "error") stop(condition)
    warning(condition)
    5
  })
  for (strategy in list(sequential, multisession, multicore)) {
    local({
      if (identical(strategy, sequential)) {
        local_plan(strategy)
      } else {
        local_plan(strategy, workers = 2)
      }
      kind <- "error"
      f <- future(raise, substitute = FALSE, globals = "kind")
      expect_error(value(f), "said", class = "dragging")
      kind <- "warning"
      f <- future(raise, substitute = FALSE, globals = "kind")
      expect_warning(v <- value(f), "said", class = "dragging")
      expect_identical(v, 5)
    })
  }
  local_plan(multicore, workers = 2)
  f <- future({
    message("said")
    rawConnection(raw())
  })
  expect_error(suppressMessages(value(f)), "cannot be sent back")
})

test_that("a worker that is stopped for a moment goes on", {
  local_plan(multisession, workers = I(1))
  f <- future({
    pid <- Sys.getpid()
    system2("sh", c("-c", shQuote(sprintf(
      "(sleep 2.5; kill -CONT %d) & kill -STOP %d", pid, pid
    ))))
    "on"
  })
  expect_equal(value(f), "on")
})

test_that("a task that detaches everything harms no other", {
  local_plan(multisession, workers = I(1))
  pid <- value(future(Sys.getpid()))
  f <- future(while (length(search()) > 2L) detach(pos = 2L))
  expect_no_error(value(f))
  expect_equal(value(future(Sys.getpid())), pid)
})

test_that("an error option of the worker's user is not for futures", {
  local_plan(multisession, workers = I(1))
  f <- future({
    options(error = quote(q("no", 5)))
    stop("plain")
  })
  expect_error(value(f), "plain")
  expect_equal(value(future(1 + 1)), 2)
})
