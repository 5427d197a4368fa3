test_that("an error is raised as it was, each time", {
  every_plan({
    mine <- structure(
      class = c("mine", "error", "condition"),
      list(message = "boo", call = NULL, data = 1)
    )
    f <- future(stop(mine))
    for (i in 1:2) {
      error <- error_of(value(f))
      expect_s3_class(error, "mine")
      expect_identical(error$data, 1)
      expect_false(inherits(error, "FutureError"))
    }
    expect_s3_class(value(f, signal = FALSE), "mine")
  })
})

test_that("output comes first, then conditions in order, then the error", {
  every_plan({
    f <- future({
      cat("one\n")
      message("first")
      cat("two\n")
      warning("second")
      stop("third")
    })
    seen <- character()
    note <- function(condition) {
      seen <<- c(seen, trimws(conditionMessage(condition)))
      tryInvokeRestart("muffleMessage")
      tryInvokeRestart("muffleWarning")
    }
    out <- capture.output(
      error <- error_of(withCallingHandlers(value(f), condition = note))
    )
    expect_identical(out, c("one", "two"))
    expect_identical(seen, c("first", "second", "third"))
    expect_identical(conditionMessage(error), "third")
    expect_null(conditionCall(error))
  })
})

test_that("stdout can be kept, dropped and printed once", {
  every_plan({
    expect_identical(capture.output(value(future(cat("hi\n")))), "hi")
    expect_length(
      capture.output(value(future(cat("hi\n")), stdout = FALSE)), 0L
    )
    expect_null(result(future(cat("hi\n"), stdout = FALSE))$stdout)
    f <- future(cat("hi\n"), stdout = structure(TRUE, drop = TRUE))
    expect_identical(capture.output(value(f)), "hi")
    expect_length(capture.output(value(f)), 0L)
  })
})

test_that("visibility is kept", {
  every_plan({
    expect_false(withVisible(value(future(invisible(1))))$visible)
    expect_true(withVisible(value(future(1)))$visible)
  })
})

test_that("conditions can be left out, and all be silenced", {
  every_plan({
    expect_no_condition(value(future(
      { message("m"); warning("w") }, conditions = character(0)
    )))
    f <- future(
      { message("m"); warning("w") },
      conditions = structure("condition", exclude = "message")
    )
    expect_warning(expect_no_message(value(f)), "w")
  })
})

test_that("a list keeps names and dimensions, and what is no future", {
  every_plan({
    expect_identical(
      value(list(a = future(1), b = 2, c = future(NULL))),
      list(a = 1, b = 2, c = NULL)
    )
    x <- list(future(1), future(2), 3, 4)
    dim(x) <- c(2, 2)
    expect_identical(dim(value(x)), c(2L, 2L))
  })
})

test_that("values can be folded", {
  futures <- lapply(1:3, function(i) future(i))
  expect_identical(value(futures, reduce = `+`), 6L)
  expect_identical(value(futures, reduce = structure("+", init = 10)), 16)
})

test_that("the first error cancels the rest of a list", {
  local_plan(multisession, workers = 2)
  # Nobody waits for the first.
  futures <- list(future(Sys.sleep(1e5)), future(stop("x")))
  error <- error_of(value(futures))
  expect_identical(conditionMessage(error), "x")
  expect_identical(futures[[1L]]$state, "canceled")
  expect_identical(value(future(1)), 1)
})

test_that("a dropped value is gone", {
  f <- future(1)
  expect_identical(value(f, drop = TRUE), 1)
  expect_error(value(f), class = "FutureDroppedError")
})

test_that("a killed worker is one typed error that says how it died", {
  local_plan(multisession, workers = 2)
  f <- future({
    cat("last words\n", file = stderr())
    tools::pskill(Sys.getpid(), 9)
    Sys.sleep(5)
  })
  error <- error_of(value(f))
  expect_s3_class(error, "FutureInterruptError")
  expect_match(conditionMessage(error), "signal 9")
  expect_match(conditionMessage(error), "last words")
  expect_identical(f$state, "interrupted")
  expect_identical(value(lapply(1:4, function(i) future(i))), as.list(1:4))
})

test_that("a worker that quits is a typed error, and is replaced", {
  local_plan(multisession, workers = 2)
  expect_error(value(future(quit("no"))), class = "FutureInterruptError")
  expect_identical(value(future(1)), 1)
})

test_that("an interrupt in the worker leaves the worker alive", {
  local_plan(multisession, workers = I(1))
  pid <- value(future(Sys.getpid()))
  f <- future({ tools::pskill(Sys.getpid(), 2); Sys.sleep(5) })
  expect_error(value(f), class = "FutureInterruptError")
  expect_identical(value(future(Sys.getpid())), pid)
})

test_that("a time limit is an error, and the worker goes on", {
  local_plan(multisession, workers = I(1))
  pid <- value(future(Sys.getpid()))
  f <- future({
    setTimeLimit(elapsed = 0.1, transient = FALSE)
    repeat Sys.sleep(0.01)
  })
  expect_error(value(f), "time limit")
  expect_identical(value(future(Sys.getpid())), pid)
})

test_that("`timeout` ends what takes longer", {
  local_plan(multisession, workers = 2)
  f <- future(repeat Sys.sleep(0.1), timeout = 0.2)
  error <- error_of(value(f))
  expect_s3_class(
    error, c("elsewhere_timeout", "FutureInterruptError"), exact = FALSE
  )
  expect_identical(value(future(1)), 1)
})

test_that("cancel() stops a future, and resets make it new", {
  local_plan(multisession, workers = 2)
  f <- future(Sys.sleep(60))
  cancel(f)
  expect_error(value(f), class = "FutureCanceledError")
  expect_identical(f$state, "canceled")
  expect_true(resolved(f))
  expect_identical(reset(f)$state, "created")
})

test_that("cancel(interrupt = FALSE) lets the future end", {
  local_plan(multisession, workers = 2)
  gate <- withr::local_tempfile()
  f <- future({ while (!file.exists(gate)) Sys.sleep(0.01); 42 })
  cancel(f, interrupt = FALSE)
  expect_identical(f$state, "canceled")
  file.create(gate)
  expect_identical(value(f), 42)
})

test_that("the calls that led to an error can be had", {
  every_plan({
    g <- function() stop("x")
    f <- future(g())
    error_of(value(f))
    expect_identical(backtrace(f)[[1L]], quote(g()))
  })
})

test_that("the source of functions does not travel with the calls", {
  g <- eval(parse(text = "function() stop('x')", keep.source = TRUE))
  every_plan({
    f <- future({
      # Not even where it holds what cannot travel.
      assign("held", rawConnection(raw()), attr(attr(g, "srcref"), "srcfile"))
      g()
    })
    expect_error(value(f), "x")
    calls <- backtrace(f)
    expect_null(unlist(lapply(calls, attr, "srcref")))
  })
})

test_that("immediate conditions come while the future runs", {
  local_plan(multisession, workers = 2)
  gate <- withr::local_tempfile()
  f <- future({
    signalCondition(structure(
      class = c("immediateCondition", "condition"),
      list(message = "now", call = NULL)
    ))
    while (!file.exists(gate)) Sys.sleep(0.01)
    1
  })
  seen <- 0L
  deadline <- Sys.time() + 60
  withCallingHandlers(
    while (seen == 0L && Sys.time() < deadline) {
      expect_false(resolved(f))
      Sys.sleep(0.01)
    },
    immediateCondition = function(condition) seen <<- seen + 1L
  )
  file.create(gate)
  expect_identical(seen, 1L)
  expect_identical(value(f), 1)
})

test_that("resolve() waits for all and gives the container back", {
  every_plan({
    x <- list(a = future(1), b = list(future(2)))
    expect_identical(resolve(x, recursive = TRUE, result = TRUE), x)
    expect_true(all(resolved(x)))
    expect_named(resolved(x), c("a", "b"))
  })
})

test_that("a thousand lazy futures have their values in order", {
  local_plan(multisession, workers = 2)
  futures <- lapply(1:1000, function(i) future(i, lazy = TRUE))
  expect_identical(value(futures), as.list(1:1000))
})

test_that("a value that cannot be sent back is an error of its future", {
  local_plan(multisession, workers = 2)
  f <- future(rawConnection(raw()))
  got <- suppressWarnings(error_of(value(f)))
  expect_true(is.null(got) || inherits(got, "FutureError"))
  expect_identical(value(future(1)), 1)
})

test_that("a condition without a restart is signalled by value() alone", {
  custom <- function() structure(
    class = c("custom", "condition"), list(message = "c", call = NULL)
  )
  every_plan({
    seen <- 0L
    withCallingHandlers(
      {
        f <- future({
          answer <- signalCondition(custom())
          inside <- tryCatch(
            signalCondition(custom()), custom = function(c) "own"
          )
          list(answer, inside)
        })
        expect_identical(seen, 0L)
        expect_identical(value(f), list(NULL, "own"))
      },
      custom = function(condition) seen <<- seen + 1L
    )
    expect_identical(seen, 1L)
    made <- tryCatch(
      { future(signalCondition(custom())); "made" },
      custom = function(condition) "caught"
    )
    expect_identical(made, "made")
  })
})

test_that("an error on the way out of an error takes its place", {
  every_plan({
    f <- future({
      fails_twice <- function() {
        on.exit(stop("second"))
        stop("first")
      }
      fails_twice()
    })
    expect_no_warning(expect_error(value(f), "second"))
  })
})

test_that("a listenv of futures keeps them, and its names", {
  skip_if_not_installed("listenv")
  x <- listenv::listenv()
  x$a <- future(1)
  x$b <- 2
  # A list, as at home, so that do.call() and its kin take it.
  expect_identical(value(x), list(a = 1, b = 2))
  values <- values(x)
  expect_s3_class(values, "listenv")
  expect_identical(as.list(values), list(a = 1, b = 2))
  expect_s3_class(x$a, "Future")
  expect_identical(resolved(x), c(a = TRUE, b = TRUE))
})

test_that("a listenv with dimensions has a list of values with dimensions", {
  skip_if_not_installed("listenv")
  x <- listenv::listenv()
  for (i in 1:4) x[[i]] <- future(i)
  dim(x) <- c(2, 2)
  dimnames(x) <- list(c("a", "b"), NULL)
  expected <- list(1L, 2L, 3L, 4L)
  dim(expected) <- c(2, 2)
  dimnames(expected) <- dimnames(x)
  expect_identical(value(x), expected)
  expect_identical(dim(values(x)), c(2L, 2L))
  expect_identical(value(x, reduce = `+`), 10L)
  named <- listenv::listenv(one = future(1), two = future(NULL))
  expect_identical(value(named), list(one = 1, two = NULL))
  expect_identical(value(listenv::listenv()), list())
})

test_that("result() tells of all conditions and of how often each came", {
  withr::defer(plan(sequential))
  at_once <- function(text) {
    structure(
      class = c("atOnce", "immediateCondition", "message", "condition"),
      list(message = text, call = NULL)
    )
  }
  told <- function(f) {
    entries <- result(f)$conditions
    count <- vapply(entries, `[[`, 1L, "signaled")
    names(count) <- vapply(entries, function(entry) {
      trimws(conditionMessage(entry$condition))
    }, "")
    count[order(names(count))]
  }
  ask <- function(f) {
    suppressWarnings(suppressMessages(tryCatch(value(f), error = identity)))
  }
  for (strategy in c("sequential", "multisession", "multicore")) {
    if (strategy == "sequential") {
      plan(sequential)
    } else {
      plan(strategy, workers = 2)
    }
    f <- future({
      message("m")
      signalCondition(at_once("1"))
      warning("w")
      signalCondition(at_once("2"))
      5
    })
    suppressMessages(result(f))
    expect_identical(told(f), c(`1` = 1L, `2` = 1L, m = 0L, w = 0L))
    expect_identical(ask(f), 5)
    expect_identical(told(f), c(`1` = 1L, `2` = 1L, m = 1L, w = 1L))
    ask(f)
    expect_identical(told(f), c(`1` = 1L, `2` = 1L, m = 2L, w = 2L))
    f <- future({
      warning("w")
      stop("e")
    })
    value(f, signal = FALSE, stdout = FALSE)
    expect_identical(told(f), c(e = 0L, w = 0L))
    ask(f)
    expect_identical(told(f), c(e = 1L, w = 1L))
    # A handler that leaves has seen one of them.
    f <- future({
      message("a")
      message("b")
    })
    tryCatch(value(f), message = identity)
    expect_identical(told(f), c(a = 1L, b = 0L))
  }
})

test_that("gc = TRUE is not the expression's doing", {
  left <- file(withr::local_tempfile(), "w")
  rm(left)
  suppressWarnings(f <- future(1, gc = TRUE))
  expect_no_warning(expect_identical(value(f), 1))
})

test_that("a journal lists what happened to a future, in order", {
  withr::local_options(future.journal = TRUE)
  every_plan({
    f <- future(1, label = "mine")
    expect_identical(value(f), 1)
    table <- elsewhere:::journal(f)
    expect_s3_class(
      table, c("elsewhere_journal", "FutureJournal", "data.frame"), exact = TRUE
    )
    expect_setequal(table$event, c("create", "launch", "evaluate", "gather"))
    expect_identical(unique(table$future_label), "mine")
    expect_false(is.unsorted(table$start))
    expect_true(all(as.numeric(table$at) >= 0))
  })
})

test_that("journals of all futures that code makes can be captured", {
  tables <- elsewhere:::capture_journals({
    f <- future(1, label = "one")
    g <- future(2, label = "two")
    value(list(f, g))
  })
  labels <- vapply(tables, function(table) table$future_label[[1L]], "")
  expect_identical(labels, c("one", "two"))
  expect_true(all(vapply(tables, inherits, NA, "FutureJournal")))
  expect_null(getOption("future.journal"))
  expect_length(elsewhere:::capture_journals(1 + 1), 0)
})

test_that("functions of the future package take our futures", {
  skip_if_not_installed("future")
  local_plan(multisession, workers = 2)
  expect_identical(future::value(future(1)), 1)
  expect_identical(future::value(list(future(1), 2)), list(1, 2))
  f <- future(3)
  expect_identical(result(future::resolve(f))$value, 3)
  expect_true(future::resolved(f))
})

test_that("what a misuse has in common is a class", {
  f <- future(1, lazy = TRUE)
  expect_s3_class(
    ConnectionMisuseFutureWarning(future = f), "MisuseFutureWarning"
  )
  expect_s3_class(DeviceMisuseFutureError(future = f), "MisuseFutureCondition")
  expect_s3_class(UnexpectedFutureResultError(f, hint = "h"), "FutureError")
})

test_that("a list is a container whatever its class", {
  x <- structure(list(a = future(1), 2), class = "sheet", note = "kept")
  expect_identical(
    value(x), structure(list(a = 1, 2), class = "sheet", note = "kept")
  )
  expect_identical(resolved(x), c(TRUE, TRUE), ignore_attr = "names")
  lazy <- structure(list(future(Sys.getpid(), lazy = TRUE)), class = "sheet")
  local_plan(multisession, workers = I(1))
  blocker <- future(Sys.sleep(60))
  expect_identical(resolved(structure(list(blocker), class = "sheet")), FALSE)
  cancel(blocker)
  expect_type(value(lazy)[[1]], "integer")
})

test_that("a primitive with an attribute is refused as reduce, and cleaned", {
  # R itself refuses this from 4.6 on.
  if (getRversion() < "4.6.0") {
    add <- structure(`+`, init = 10)
    expect_error(
      value(list(future(1)), reduce = add), class = "elsewhere_bad_argument"
    )
  }
  expect_null(attributes(`+`))
  expect_identical(value(list(future(1), future(2)), reduce = `+`), 3)
  expect_identical(
    value(list(future(1)), reduce = structure("+", init = 10)), 11
  )
})

test_that("an error is not dropped", {
  f <- future(stop("again"))
  expect_error(value(f, drop = TRUE), "again")
  expect_error(value(f), "again")
})

test_that("result() tells which process has evaluated the expression", {
  for (strategy in list(multisession, multicore)) {
    local_plan(strategy, workers = 2)
    f <- future(Sys.getpid())
    expect_match(result(f)$session_uuid, paste0("-", value(f), "$"))
    f <- future({
      message("not quiet")
      Sys.getpid()
    })
    pid <- suppressMessages(value(f))
    expect_match(result(f)$session_uuid, paste0("-", pid, "$"))
  }
})

test_that("output that was printed once and dropped is not in the result", {
  f <- future(cat("once\n"), stdout = structure(TRUE, drop = TRUE))
  expect_identical(result(f)$stdout, "once\n")
  expect_output(value(f), "once")
  expect_null(result(f)$stdout)
})

test_that("what R's garbage collector closes is not the expression's doing", {
  local_plan(sequential)
  # What R finds dead while it runs finalizers waits for the next collection,
  # whoever holds it by then. So let there be none to run.
  suppressWarnings(gc())
  for (i in 1:3) textConnection("nobody holds this")
  f <- future({
    gc()
    1
  })
  expect_no_warning(value(f), class = "ConnectionMisuseFutureWarning")
  # Now they are closed, and R says so.
  suppressWarnings(gc())
})

test_that("a connection that is left behind is named, with the future", {
  every_plan({
    f <- future(
      {
        left <- textConnection("left open")
        1
      },
      label = "careless"
    )
    warning <- tryCatch(value(f), warning = identity)
    expect_s3_class(warning, "ConnectionMisuseFutureWarning")
    expect_match(conditionMessage(warning), "textConnection")
    expect_match(conditionMessage(warning), "future 'careless'")
  })
  suppressWarnings(gc())
})

test_that("names and dimensions are kept, one beside the other", {
  local_plan(sequential)
  x <- list(1, future(2))
  dim(x) <- c(1, 2)
  dimnames(x) <- list("row", c("one", "two"))
  names(x) <- c("a", "b")
  expect_identical(attributes(resolved(x)), attributes(x))
  expect_identical(attributes(value(x)), attributes(x))
  skip_if_not_installed("listenv")
  x <- listenv::as.listenv(list(a = 1, b = future(2)))
  dim(x) <- c(1, 2)
  dimnames(x) <- list("row", c("one", "two"))
  expect_identical(dimnames(resolved(x)), dimnames(x))
  expect_identical(dimnames(value(x)), dimnames(x))
})

test_that("a condition of a future may be made from another condition", {
  inner <- simpleError("why")
  expect_match(conditionMessage(FutureError(inner)), "^why")
})

test_that("an environment without futures has no values", {
  expect_identical(value(new.env()), list())
})
