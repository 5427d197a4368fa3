test_that("run() returns the value of the function", {
  session <- local_session()
  expect_identical(session$run(function() 1 + 1), 2)
  expect_identical(session$run(function(x, y) x * y, list(6, y = 7)), 42)
  expect_null(session$run(function() NULL))
  expect_identical(session$run(function(x) x, list(mtcars)), mtcars)
})

test_that("arguments are not evaluated again", {
  session <- local_session()
  for (value in list(quote(a), quote(a + b), ~x)) {
    expect_equal(
      session$run(function(x) x, list(value)), value, ignore_formula_env = TRUE
    )
  }
})

test_that("call() returns at once and read() has the result", {
  session <- local_session()
  expect_identical(
    withVisible(session$call(function() 5)),
    list(value = "busy", visible = FALSE)
  )
  expect_identical(session$get_state(), "busy")
  event <- next_event(session)
  expect_s3_class(event, "callr_session_result")
  expect_identical(
    names(event), c("code", "message", "result", "stdout", "stderr", "error")
  )
  expect_match(event$message, "^done callr-rs-result-[0-9a-f]+$")
  expect_identical(event$result, 5)
  expect_null(session$read())
})

test_that("only an idle session takes calls", {
  session <- local_session(wait = FALSE)
  expect_error(
    session$run(function() 1), "R session not ready yet", class = "rlib_error"
  )
  next_event(session)
  session$call(function() 1)
  expect_error(
    session$call(function() 1),
    "R session busy",
    class = "elsewhere_session_state"
  )
  next_event(session)
  session$close()
  expect_error(
    session$run(function() 1), "R session finished", class = "rlib_error"
  )
})

test_that("package says where the function runs", {
  session <- local_session()
  outer_value <- 1
  # Its environment holds this session, too, which does no harm.
  expect_error(
    session$run(function() outer_value), "object 'outer_value' not found"
  )
  expect_identical(session$run(function() outer_value, package = TRUE), 1)
  expect_identical(
    session$run(
      function() environmentName(environment(sys.function())), package = "stats"
    ),
    "stats"
  )
  crate <- structure(function() 3, class = c("crate", "function"))
  expect_identical(session$run(crate), 3)
  expect_error(
    session$run(function() 1, package = 1:2),
    "Invalid `package` value for callr function"
  )
})

test_that("wrong arguments are named", {
  session <- local_session()
  expect_error(
    session$run(1),
    "`func` must be a function",
    class = "elsewhere_bad_argument"
  )
  expect_error(
    session$run(function() 1, 1),
    "`args` must be a list",
    class = "elsewhere_bad_argument"
  )
  expect_error(session$poll_process("a"), class = "elsewhere_bad_argument")
  expect_error(session$poll_process(1.5), class = "elsewhere_bad_argument")
  expect_identical(session$run(function() 1), 1)
})

test_that("what a call and its child processes print comes with its result", {
  session <- local_session()
  event <- session$run_with_output(function() {
    cat("a\n")
    message("b")
    system("echo c; echo d >&2")
    7
  })
  expect_identical(event$result, 7)
  expect_identical(event$stdout, "a\nc\n")
  expect_identical(event$stderr, "b\nd\n")
  event <- session$run_with_output(function() 8)
  expect_identical(event$stdout, "")
  expect_identical(event$stderr, "")
})

test_that("warnings of a call are in its error output, its result and here", {
  session <- local_session()
  warn <- function() {
    warning("take care")
    1
  }
  event <- session$run_with_output(warn)
  expect_match(event$stderr, "take care")
  expect_identical(conditionMessage(event$warnings[[1]]), "take care")
  expect_warning(value <- session$run(warn), "take care")
  expect_identical(value, 1)
})

test_that("output of a running call can be seen", {
  session <- local_session()
  session$call(function() {
    cat("half way\n")
    Sys.sleep(100)
  })
  expect_true(wait_for_output(session, "half way"))
  expect_identical(
    session$peek_output(), list(stdout = "half way\n", stderr = "")
  )
  session$interrupt()
  expect_identical(next_event(session)$stdout, "half way\n")
})

test_that("output in other encodings and with zero bytes arrives", {
  session <- local_session(env = c(LC_ALL = "C.UTF-8"))
  event <- session$run_with_output(function() cat("\u00e9\u4e2d\n"))
  expect_identical(event$stdout, "\u00e9\u4e2d\n")
  event <- session$run_with_output(function() system("printf 'a\\000b\\377'"))
  expect_match(event$stdout, "^ab")
  latin <- local_session(extra = list(encoding = "latin1"))
  event <- latin$run_with_output(function() system("printf '\\351'"))
  expect_identical(event$stdout, "\u00e9")
})

test_that("large arguments and results travel", {
  session <- local_session()
  numbers <- as.numeric(seq_len(5e6))
  expect_identical(session$run(function(x) rev(x), list(numbers)), rev(numbers))
})

test_that("a call that takes too long is interrupted", {
  session <- local_session()
  error <- expect_error(
    session$run(function() Sys.sleep(100), timeout = 0.05),
    class = "callr_timeout_error"
  )
  expect_s3_class(error, "callr_error")
  expect_error(
    session$run(function() 1, timeout = -1),
    class = "elsewhere_bad_argument"
  )
  expect_identical(session$get_state(), "idle")
  expect_identical(session$run(function() 1), 1)
})

test_that("a call that ignores interrupts is killed when its time is over", {
  local_leak_check()
  session <- local_session()
  expect_error(
    session$run(function() suspendInterrupts(repeat {}), timeout = 0.5),
    class = "callr_timeout_error"
  )
  expect_identical(session$get_state(), "finished")
})

test_that("an interrupt ends the call that runs", {
  session <- local_session()
  session$call(function() {
    cat("on\n")
    repeat {}
  })
  wait_for_output(session, "on")
  expect_true(session$interrupt())
  event <- next_event(session)
  expect_identical(event$code, 200L)
  expect_s3_class(event$error, "callr_timeout_error")
  expect_s3_class(event$error$parent, "interrupt")
  session$call(function() {
    cat("on again\n")
    tryCatch(Sys.sleep(100), interrupt = function(e) "handled")
  })
  wait_for_output(session, "on again")
  session$interrupt()
  expect_identical(next_event(session)$result, "handled")
})

test_that("an interrupt right after call() hits that call", {
  session <- local_session()
  for (i in 1:50) {
    session$call(function() Sys.sleep(100))
    session$interrupt()
    expect_s3_class(next_event(session)$error, "callr_timeout_error")
  }
})

# R installs a handler of its own for the time of a wait, and keeps the one
# before it in a variable that is empty until its first wait has begun. An
# interrupt in between puts back that: the default, which ends the process at
# the next one.
test_that("an interrupt as a session first waits leaves the next harmless", {
  # Interrupts at the moment at which R has installed its handler.
  library_file <- local_c_library(c(
    "#define _GNU_SOURCE",
    "#include <dlfcn.h>",
    "#include <signal.h>",
    "typedef void (*handler)(int);",
    "static int is_armed = 0;",
    "void arm(void) { is_armed = 1; }",
    "handler signal(int number, handler next) {",
    "  handler (*install)(int, handler) = dlsym(RTLD_NEXT, \"signal\");",
    "  handler before = install(number, next);",
    "  if (number == SIGINT && is_armed) {",
    "    is_armed = 0;",
    "    raise(SIGINT);",
    "  }",
    "  return before;",
    "}"
  ))
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    session <- local_session(env = c(LD_PRELOAD = library_file))
    session$call(function(library_file) {
      dyn.load(library_file)
      .C("arm")
      Sys.sleep(100)
    }, list(library_file))
    expect_s3_class(next_event(session)$error, "callr_timeout_error")
    session$call(function() repeat {})
    session$interrupt()
    expect_s3_class(next_event(session)$error, "callr_timeout_error")
  }
})

test_that("an interrupt of an idle session hits nothing", {
  session <- local_session()
  for (i in 1:200) {
    session$interrupt()
    expect_identical(session$run(function(x) x, list(i)), i)
  }
})

test_that("interrupts that come as a call ends never lose its report", {
  session <- local_session()
  for (i in 1:200) {
    session$call(function() for (k in 1:2000) k)
    if (i %% 2) session$interrupt()
    event <- next_event(session)
    expect_identical(event$code, 200L)
    if (!is.null(event$error)) {
      expect_s3_class(event$error, "callr_timeout_error")
    }
  }
  expect_identical(session$run(function() "fine"), "fine")
})

test_that("a call that reads standard input gets its end", {
  # testthat makes browser() an error from R 4.4 on.
  withr::local_envvar(`_R_CHECK_BROWSER_NONINTERACTIVE_` = NA)
  session <- local_session()
  expect_identical(
    session$run(function() readLines(file("stdin"))), character()
  )
  expect_identical(session$run(function() readLines(stdin())), character())
  expect_identical(session$run(function() readline("name? ")), "")
  expect_identical(
    session$run(function() system("cat", intern = TRUE)), character()
  )
  expect_identical(session$run(function() {
    browser()
    "after"
  }), "after")
})

test_that("a jump to top level is no error and the session goes on", {
  session <- local_session()
  expect_null(session$run(function() invokeRestart("abort")))
  expect_identical(session$run(function() 1), 1)
})

test_that("elsewhere itself can be used in a session", {
  session <- local_session()
  value <- session$run(function() {
    inner <- elsewhere::r_session$new()
    on.exit(inner$close())
    inner$run(function() "from inside")
  })
  expect_identical(value, "from inside")
  expect_identical(session$run(function() 1), 1)
})

test_that("a session can fork", {
  session <- local_session()
  squares <- session$run(function() {
    unlist(parallel::mclapply(1:4, function(i) i^2, mc.cores = 2))
  })
  expect_identical(squares, c(1, 4, 9, 16))
  expect_identical(session$run(function() 1), 1)
})

test_that("a forked child of the owner neither uses nor ends the session", {
  session <- local_session()
  classes <- parallel::mclapply(1:2, function(i) {
    gc()
    tryCatch(session$run(function() 1), error = class)
  }, mc.cores = 2)
  expect_true("elsewhere_forked" %in% classes[[1]])
  expect_identical(session$run(function() 1), 1)
})

test_that("a call drops what was half said to the top level", {
  session <- local_session()
  for (half in c("f <- function() {\n", "'a string\n", "half", "x <-\n")) {
    session$write_input(half)
    expect_identical(session$run(function() 1), 1)
    session$write_input("half <- 2\n")
    expect_identical(session$run(function() 3), 3)
  }
  expect_identical(session$run(function() half), 2)
})

test_that("a limit of time in this process ends the wait, and the call", {
  rs <- local_session()
  limited <- function(code) {
    setTimeLimit(elapsed = 0.5, transient = TRUE)
    on.exit(setTimeLimit())
    code
  }
  slow <- function() Sys.sleep(600)
  expect_error(limited(rs$run(slow)), "time limit")
  expect_identical(rs$get_state(), "idle")
  expect_error(limited(rs$run_with_output(slow)), "time limit")
  expect_identical(rs$run(function() 1), 1)
})

test_that("a forked child does not end what a session has started, either", {
  session <- local_session(extra = list(cleanup_tree = TRUE))
  seen <- parallel::mclapply(1:2, function(i) {
    class <- tryCatch(session$kill_tree(), error = class)
    # As its finalizers do.
    private <- session$.__enclos_env__$private
    private$finalize()
    session$finalize()
    class
  }, mc.cores = 2)
  expect_true("elsewhere_forked" %in% seen[[1L]])
  expect_true(session$is_alive())
  expect_identical(session$run(function() 1), 1)
})
