test_that("an error of the session has callr's classes and its own in parent", {
  session <- local_session()
  error <- expect_error(session$run(function() {
    cat("said\n")
    stop("boo")
  }))
  expect_identical(class(error), c(
    "callr_status_error", "callr_error", "rlib_error_3_0", "rlib_error",
    "error", "condition"
  ))
  expect_identical(error$message, "in callr subprocess.")
  expect_identical(
    conditionMessage(error),
    "! in callr subprocess.\nCaused by error in `(function () ...`:\n! boo"
  )
  expect_s3_class(error$parent, "simpleError")
  expect_identical(error$stdout, "said\n")
  expect_identical(error$stderr, "")
  expect_identical(error$status, 0)
})

test_that("a condition object keeps its class and its data", {
  session <- local_session()
  error <- expect_error(session$run(function() {
    stop(errorCondition("mine", class = "my_error", data = list(a = 1)))
  }))
  expect_s3_class(error$parent, "my_error")
  expect_identical(error$parent$data, list(a = 1))
})

test_that("an error that the function handles is none", {
  session <- local_session()
  event <- session$run_with_output(function() {
    try(stop("tried"), silent = TRUE)
    tryCatch(stop("caught"), error = function(e) "handled")
  })
  expect_null(event$error)
  expect_identical(event$result, "handled")
})

test_that("the backtrace has the calls of the function and no others", {
  session <- local_session()
  error <- expect_error(session$run(function() {
    inner <- function() stop("deep")
    outer <- function() inner()
    outer()
  }))
  expect_s3_class(error$parent_trace, "rlib_trace")
  expect_identical(
    vapply(error$parent_trace$call, deparse, ""),
    c("outer()", "inner()", "stop(\"deep\")")
  )
  expect_identical(error$parent_trace$namespace, c(NA, NA, "base"))
  text <- capture.output(print(error))
  expect_true("Subprocess backtrace:" %in% text)
  expect_true("3. base::stop(\"deep\")" %in% text)
})

test_that("the last error is where people look for it", {
  session <- local_session()
  try(session$run(function() stop("the last one")), silent = TRUE)
  last <- get(".Last.error", "org:r-lib")
  expect_match(conditionMessage(last), "the last one")
  expect_s3_class(get(".Last.error.trace", "org:r-lib"), "rlib_trace")
})

test_that("a backtrace with large arguments takes milliseconds", {
  session <- local_session()
  withr::local_options(callr.traceback = TRUE)
  fail <- function(x) {
    inner <- function(y) stop("large")
    do.call(inner, list(x))
  }
  expect_within_a_second(
    expect_error(session$run(fail, list(as.numeric(1:1e6))), "large")
  )
  expect_output(calls <- session$traceback(), "<numeric\\[1000000\\]>")
  expect_length(calls, 3L)
})

test_that("error = \"stack\" brings the frames", {
  session <- local_session(error = "stack")
  error <- expect_error(session$run(function() {
    local_value <- 17
    stop("with frames")
  }))
  expect_s3_class(error$stack, "dump.frames")
  expect_identical(error$stack[[1]]$local_value, 17)
  expect_identical(attr(error$stack, "error.message"), "with frames")
})

test_that("infinite recursion is an error and the session goes on", {
  session <- local_session()
  expect_error(session$run(function() {
    f <- function() f()
    f()
  }), "infinite recursion|stack usage", class = "callr_error")
  expect_error(session$run(function() {
    options(expressions = 5e5)
    f <- function() f()
    f()
  }), "infinite recursion|stack usage", class = "callr_error")
  expect_identical(session$run(function() 1), 1)
})

test_that("traceback() shows the calls of the last error", {
  session <- local_session()
  expect_error(
    session$traceback(),
    "No traceback was recorded in the subprocess (yet?)", fixed = TRUE
  )
  try(session$run(function() {
    f <- function() stop("x")
    f()
  }), silent = TRUE)
  expect_output(calls <- session$traceback(), "2: stop\\(\"x\"\\)\n1: f\\(\\)")
  expect_length(calls, 2L)
})

test_that("debug() wants frames", {
  session <- local_session()
  expect_error(session$debug(), "^Can't find dumped frames, nothing to debug$")
})

test_that("every condition that ends a call can be shown", {
  session <- local_session()
  message_of <- function(func) {
    conditionMessage(tryCatch(session$run(func), error = identity))
  }
  expect_match(message_of(function() stop()), ":\n! $")
  expect_identical(
    message_of(function() stop("a\nb\n", call. = FALSE)),
    "! in callr subprocess.\nCaused by error: \n! a\nb\n"
  )
  # One without a message.
  expect_identical(
    message_of(function() stop(structure(
      list(data = 3), class = c("bare", "error", "condition")
    ))),
    "! in callr subprocess.\nCaused by error: \n! "
  )
  expect_match(
    message_of(function() { f <- structure(function() stop("x"), a = 1); f() }),
    "Caused by error in `f()`:", fixed = TRUE
  )
})

test_that("an error is shown the same where callr is loaded, too", {
  skip_if_not_installed("callr")
  shown <- callr::r(function(libraries) {
    .libPaths(libraries)
    session <- elsewhere::r_session$new(wait_timeout = 60000)
    on.exit(session$close())
    error <- tryCatch(
      session$run(function() {
        cat("said\n")
        stop("boo")
      }),
      error = identity
    )
    before <- list(format(error), format(error, class = TRUE))
    loadNamespace("callr")
    list(before, list(format(error), format(error, class = TRUE)))
  }, list(.libPaths()))
  expect_identical(shown[[1L]], shown[[2L]])
})

test_that("format() is short, print() tells all", {
  session <- local_session()
  error <- tryCatch(
    session$run(function() {
      cat("said\n")
      stop("boo", call. = FALSE)
    }),
    error = identity
  )
  expect_identical(format(error), c(
    "Error: ", "! in callr subprocess.", "Caused by error: ", "! boo",
    "---", "Standard output:", "said",
    "Type .Last.error to see the more details."
  ))
  shown <- capture.output(print(error))
  expect_identical(
    shown[[1]], "<callr_error/rlib_error_3_0/rlib_error/error>"
  )
  expect_true(all(c("Backtrace:", "Subprocess backtrace:") %in% shown))
  expect_false(any(grepl(".Last.error", shown)))
  session$call(function() {
    cat("on")
    repeat {}
  })
  wait_for_output(session, "on")
  session$interrupt()
  shown <- capture.output(print(next_event(session)$error))
  expect_match(shown[[1]], "^<callr_timeout_error/callr_error/")
})

test_that("an error of a session within the session keeps both backtraces", {
  session <- local_session()
  session$run(function(paths) .libPaths(paths), list(.libPaths()))
  error <- tryCatch(
    session$run(function() {
      inner <- elsewhere::r_session$new()
      inner$run(function() {
        deepest <- function() stop("deep")
        deepest()
      })
    }),
    error = identity
  )
  shown <- capture.output(print(error))
  expect_length(grep("^Subprocess backtrace:", shown), 2)
  expect_true(any(grepl("deepest()", shown, fixed = TRUE)))
})

test_that("code travels with the shape that the parser gives it", {
  session <- local_session()
  for (keeps in c(TRUE, FALSE)) {
    func <- eval(parse(
      text = c(
        "function() {", "  # why",
        "  inner <- function(x = function() 1) x", "}"
      ),
      keep.source = keeps
    ))
    code <- session$run(function(func) body(func)[[2]][[3]], list(func))
    expect_length(code, 4)
    arrived <- session$run(eval(bquote(function() body(sys.function()))))
    expect_true(is.call(arrived))
  }
  # rlang walks over the calls and wants them whole.
  skip_if_not_installed("rlang")
  error <- tryCatch(
    session$run(function() {
      tryCatch(stop("in"), error = function(e) rlang::abort("out", parent = e))
    }),
    error = identity
  )
  expect_s3_class(error$parent, "rlang_error")
})

test_that("the message of the last error stays", {
  session <- local_session()
  session$run(function() try(stop("remember"), silent = TRUE))
  expect_match(session$run(function() geterrmessage()), "remember")
})

test_that("an error has texts where the output is in pipes", {
  session <- local_session(stdout = "|", stderr = "|")
  session$call(function() stop("x"))
  event <- next_event(session)
  expect_null(event$stdout)
  expect_identical(event$error$stdout, "")
  expect_identical(event$error$stderr, "")
})

test_that("an error that nobody catches is shown with all there is to know", {
  run_script <- function(..., options = NULL) {
    script <- withr::local_tempfile(lines = c(
      "library(elsewhere)", "rs <- r_session$new()", ...
    ), fileext = ".R")
    processx::run(
      file.path(R.home("bin"), "R"), c("--vanilla", "-s", options),
      stdin = script,
      env = c("current", R_LIBS = paste(.libPaths(), collapse = ":")),
      error_on_status = FALSE, timeout = 120
    )
  }
  failing <- paste0(
    "rs$run(function() {\n  cat('said\\n')\n",
    "  g <- function() stop('boo')\n  g()\n})"
  )
  said <- run_script(failing, "cat('not reached')")
  expect_identical(said$status, 1L)
  expect_identical(said$stdout, "")
  lines <- strsplit(said$stderr, "\n")[[1L]]
  expect_identical(lines[1:7], c(
    "Error: ", "! in callr subprocess.", "Caused by error in `g()`:", "! boo",
    "---", "Standard output:", "said"
  ))
  wanted <- c("Backtrace:", "Subprocess backtrace:", "Execution halted")
  expect_true(all(wanted %in% lines))
  expect_false(any(grepl(".Last.error", lines)))
  # Handlers see it once, and what R does after an error is done.
  said <- run_script(
    "options(error = quote(cat('and then\\n')))",
    "count <- function(e) cat('seen', class(e)[1], '\\n')",
    sprintf("withCallingHandlers(%s, error = count)", failing)
  )
  expect_identical(said$stdout, "seen callr_status_error \nand then\n")
  # try() prints what it catches, and no more.
  said <- run_script(sprintf("try(%s)", failing), "cat(geterrmessage())")
  expect_match(said$stderr, "^Error : ! in callr subprocess")
  expect_no_match(said$stderr, "Backtrace")
  # A handler of the r-lib packages' takes the place of all that.
  said <- run_script(
    "options(rlib_error_handler = function(e) class(e)[1])", failing
  )
  expect_identical(said$stdout, "[1] \"callr_status_error\"\n")
  # At a prompt it is short.
  said <- run_script(failing, "1 + 1", options = "--interactive")
  expect_match(said$stderr, "Type .Last.error to see the more details.")
  expect_no_match(said$stderr, "Backtrace")
  expect_match(said$stdout, "[1] 2", fixed = TRUE)
})
