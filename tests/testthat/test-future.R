test_that("a future has the value of its expression", {
  every_plan({
    expect_identical(value(future({ x <- 41; x + 1 })), 42)
    expect_null(value(future(NULL)))
    expect_false(exists("x", inherits = FALSE))
  })
})

test_that("globals are those of the moment the future was created", {
  every_plan({
    a <- 1
    eager <- future(a)
    lazy <- future(a, lazy = TRUE)
    a <- 2
    expect_identical(value(eager), 1)
    expect_identical(value(lazy), 1)
  })
})

test_that("globals may be named, given, added and left out", {
  every_plan({
    a <- 2
    expect_identical(value(future(get("a"), globals = "a")), 2)
    expect_identical(value(future(a * b, globals = list(a = 2, b = 4))), 8)
    added <- structure(TRUE, add = list(b = 5))
    expect_identical(value(future(a + get("b"), globals = added)), 7)
    less <- future(a, globals = structure(TRUE, ignore = "a"), lazy = TRUE)
    expect_false("a" %in% names(less$globals))
  })
})

test_that("a global that does not exist is named when it was asked for", {
  error <- error_of(future(1, globals = "no_such_thing"))
  expect_s3_class(error, "FutureError")
  expect_match(conditionMessage(error), "`no_such_thing`")
})

test_that("... and missing arguments reach the expression", {
  every_plan({
    add_all <- function(...) value(future(sum(...)))
    expect_identical(add_all(1, 2, 3), 6)
    is_absent <- function(a, b) value(future(if (missing(b)) a else a + b))
    expect_identical(is_absent(1), 1)
    expect_identical(is_absent(1, 2), 3)
  })
})

test_that("what an expression assigns stays inside", {
  every_plan({
    y <- 1
    value(future({ y <<- 2; y }))
    expect_identical(y, 1)
  })
})

test_that("strategies can be called directly", {
  f <- multisession({ Sys.getpid() }, workers = 2)
  withr::defer(leave_backend())
  expect_s3_class(f, c("MultisessionFuture", "Future"), exact = FALSE)
  expect_false(value(f) == Sys.getpid())
  expect_identical(value(sequential(1 + 1)), 2)
  expect_identical(value(multiprocess(1 + 1, workers = 2, seed = NULL)), 2)
})

test_that("a lazy future may be saved and evaluated by whoever reads it", {
  every_plan({
    a <- 2
    path <- withr::local_tempfile()
    saveRDS(future(42 * a, lazy = TRUE), path)
    expect_identical(value(readRDS(path)), 84)
  })
})

test_that("a future that runs belongs to its process", {
  local_plan(multisession, workers = 2)
  gate <- withr::local_tempfile()
  running <- future({ while (!file.exists(gate)) Sys.sleep(0.01); 1 })
  asked <- future(value(running))
  expect_error(value(asked), "created it", class = "FutureError")
  file.create(gate)
  expect_identical(value(running), 1)
  expect_identical(value(future(value(running))), 1)
})

test_that("run() starts a future once", {
  f <- run(future(1, lazy = TRUE))
  expect_error(run(f), "only be launched once", class = "FutureError")
})

test_that("an argument that is wrong is named", {
  expect_error(future(1, lazy = NA), class = "elsewhere_bad_argument")
  expect_error(future(1, stdout = "x"), class = "elsewhere_bad_argument")
  expect_error(future(1, conditions = 1), class = "elsewhere_bad_argument")
  expect_error(future(1, seed = "x"), class = "elsewhere_bad_argument")
  expect_error(future(1, globals = 1), class = "elsewhere_bad_argument")
  expect_error(future(1, seed = 1, envir = 1), class = "elsewhere_bad_argument")
  expect_error(future(1, timeout = -1), class = "elsewhere_bad_argument")
  expect_error(future(1, retries = 1.5), class = "elsewhere_bad_argument")
  expect_error(future(1, gc = "x"), class = "elsewhere_bad_argument")
  expect_error(future(1, earlySignal = NA), class = "elsewhere_bad_argument")
  expect_error(
    future(1, priority = "x"), "`priority`", class = "elsewhere_bad_argument"
  )
})

test_that("printing shows label, state and value", {
  f <- future(42, label = "answer")
  shown <- capture.output(print(f))
  expect_match(shown, "answer", all = FALSE)
  expect_match(shown, "finished", all = FALSE)
})

test_that("an object that cannot travel is refused with the path to it", {
  local_plan(multisession, workers = 2)
  held <- list(a = 1, connection = rawConnection(raw()))
  withr::defer(close(held$connection))
  error <- error_of(future(length(held)))
  expect_s3_class(
    error, c("elsewhere_cannot_travel", "FutureError"), exact = FALSE
  )
  expect_match(conditionMessage(error), "non-exportable")
  expect_match(conditionMessage(error), "held$connection", fixed = TRUE)
  withr::local_options(future.globals.onReference = "ignore")
  expect_identical(value(future(length(held))), 2L)
})

test_that("what a function has around it, but does not use, may be anything", {
  local_plan(multisession, workers = 2)
  made <- local({
    held <- rawConnection(raw())
    amount <- 5
    inner <- function(x) x + amount
    list(
      close = function() close(held), size = function() amount,
      nested = function(x) inner(x), caller = function() count(held),
      count = length
    )
  })
  withr::defer(made$close())
  size <- made$size
  nested <- made$nested
  expect_identical(value(future(size())), 5)
  expect_identical(value(future(nested(1))), 6)
  reader <- made$close
  error <- error_of(future(reader()))
  expect_s3_class(error, "elsewhere_cannot_travel")
  expect_match(conditionMessage(error), "held", fixed = TRUE)
  # An expression that holds one is refused as before.
  call <- bquote(length(.(made$close)))
  expect_s3_class(
    error_of(future(call, substitute = FALSE)), "elsewhere_cannot_travel"
  )
  withr::local_options(future.globals.onReference = "error")
  expect_s3_class(error_of(future(size())), "elsewhere_cannot_travel")
})

test_that("globals over the limit are refused", {
  withr::local_options(future.globals.maxSize = 1e3)
  big <- numeric(1e4)
  expect_error(future(sum(big)), "exceeds", class = "FutureError")
})

test_that("a missing package on the worker is an error that names it", {
  local_plan(multisession, workers = 2)
  error <- error_of(value(future(1, packages = "no.such.package")))
  expect_s3_class(error, "FutureLaunchError")
  expect_match(conditionMessage(error), "no.such.package")
  expect_identical(value(future(1)), 1)
})

test_that("a value that cannot travel is an error, not a dead object", {
  withr::defer(plan(sequential))
  plan(multisession, workers = 2)
  f <- future(rawConnection(raw()))
  error <- tryCatch(suppressWarnings(value(f)), error = identity)
  expect_s3_class(error, "FutureError")
  expect_match(conditionMessage(error), "cannot be sent back")
  expect_match(conditionMessage(error), "onReference")
  withr::local_options(future.globals.onReference = "ignore")
  expect_s3_class(
    suppressWarnings(value(future(rawConnection(raw())))), "rawConnection"
  )
  expect_identical(value(future(1)), 1)
})

test_that("a data.table travels both ways, an empty one too", {
  skip_if_not_installed("data.table")
  local_plan(multisession, workers = 2)
  table <- data.table::data.table(a = 1:2)
  expect_identical(value(future(nrow(table))), 2L)
  expect_identical(value(future(data.table::data.table(a = 1:2)))$a, 1:2)
  expect_s3_class(value(future(data.table::data.table())), "data.table")
})

test_that("recursion without end is an error of R's, also without stack", {
  every_plan({
    endless <- function(n) 1 + endless(n + 1)
    error <- error_of(value(future(endless(1))))
    expect_s3_class(error, "error")
    expect_match(conditionMessage(error), "C stack usage|nested too deeply")
    expect_identical(value(future(2)), 2)
  })
})

test_that("globals and packages are found on request", {
  a <- 2
  found <- getGlobalsAndPackages(quote(tools::toTitleCase(a)))
  expect_named(found, c("expr", "globals", "packages"))
  expect_s3_class(found$globals, "FutureGlobals")
  expect_identical(found$globals$a, 2)
  expect_identical(dim(mandelbrot(-0.75, resolution = 10L)), c(10L, 10L))
  expect_output(print(sessionDetails()), R.version.string, fixed = TRUE)
})

test_that("globals may be added to none", {
  a <- 1
  f <- future(
    a + get("b"), globals = structure(FALSE, add = list(a = 2, b = 5))
  )
  expect_identical(value(f), 7)
  b <- 4
  expect_identical(
    value(future(get("b"), globals = structure(FALSE, add = "b"))), 4
  )
})

test_that("a global that is missing is what the option says", {
  withr::local_options(future.globals.onMissing = "error")
  expect_error(future(nowhere_to_be_found), class = "FutureError")
  expect_error(future(nowhere_to_be_found, seed = 1), class = "FutureError")
  withr::local_options(future.globals.onMissing = "warning")
  expect_warning(future(nowhere_to_be_found), class = "FutureWarning")
})

test_that("futures among the globals are resolved first, if asked for", {
  local_plan(multisession, workers = 2)
  inner <- future(41)
  withr::local_options(future.globals.resolve = TRUE)
  expect_identical(value(future(value(inner) + 1)), 42)
})

test_that("a state that is none is told of, as the option says", {
  f <- future(1, lazy = TRUE)
  expect_warning(f$state <- "bogus", class = "FutureWarning")
  withr::local_options(future.state.onInvalid = "error")
  expect_error(f[["state"]] <- NA, class = "FutureError")
  withr::local_options(future.state.onInvalid = "ignore")
  expect_no_warning(f$state <- "bogus")
  f$state <- "created"
  expect_identical(value(f), 1)
})

test_that("the seed of a future without one is what was asked for", {
  expect_identical(future(1, lazy = TRUE)$seed, FALSE)
  expect_null(future(1, seed = NULL, lazy = TRUE)$seed)
  expect_length(future(1, seed = 42, lazy = TRUE)$seed, 7L)
})

test_that("a function of the workspace finds the globals that were taken", {
  every_plan({
    withr::defer(rm(list = c("add_a", "count"), envir = globalenv()))
    local({
      a <- 1
      calls <- 0
      add_a <- function(x) {
        calls <<- calls + 1
        x + a
      }
    }, globalenv())
    f <- future(add_a(2) + calls, envir = globalenv(), lazy = TRUE)
    rm(a, calls, envir = globalenv())
    expect_identical(value(f), 4)
    # What it assigns stays where it was evaluated.
    expect_false(exists("calls", globalenv(), inherits = FALSE))
    assign("count", 0, globalenv())
    f <- future({ count <<- count + 1; count }, envir = globalenv())
    expect_identical(value(f), 1)
    expect_identical(get("count", globalenv()), 0)
  })
})

test_that("`...` can be asked for by name", {
  every_plan({
    part <- function(x, ...) value(future(x[...], globals = c("...", "x")))
    expect_identical(part(1:10, 2:3), 2:3)
  })
})

test_that("which restarts may muffle is for the future to say", {
  restarted <- quote(withRestarts(
    {
      signalCondition(structure(
        class = c("mine", "condition"), list(message = "boom", call = NULL)
      ))
      "went on"
    },
    muffleMine = function() "muffled"
  ))
  every_plan({
    expect_identical(value(future(restarted, substitute = FALSE)), "muffled")
    one <- structure("condition", muffleInclude = "^muffleMessage$")
    f <- future(restarted, substitute = FALSE, conditions = one)
    expect_identical(value(f), "went on")
  })
  local_plan(sequential)
  f <- future(restarted, substitute = FALSE, split = TRUE)
  expect_identical(value(f), "went on")
})

test_that("with earlySignal, what is settled signals once before its value", {
  local_plan(sequential, earlySignal = TRUE)
  expect_error(future(stop("early")), "early")
  f <- future(warning("careful"), lazy = TRUE)
  expect_warning(resolved(f), "careful")
  expect_no_warning(resolved(f))
  expect_warning(value(f), "careful")
})
