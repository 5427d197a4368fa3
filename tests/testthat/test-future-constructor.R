test_that("Future() makes a future that is not started", {
  for (set_plan in list(
    function() plan(sequential), function() plan(multisession, workers = 2)
  )) {
    set_plan()
    withr::defer(plan(sequential))
    a <- 1
    mark <- withr::local_tempfile()
    f <- Future({
      file.create(mark)
      a + b
    }, globals = list(a = 40, b = 2, mark = mark), label = "bare")
    expect_s3_class(f, "Future")
    expect_identical(f$state, "created")
    expect_false(f$lazy)
    expect_false(file.exists(mark))
    run(f)
    expect_identical(value(f), 42)
    expect_error(run(f), class = "FutureError")
    expect_identical(value(Future(a, globals = TRUE)), 1)
    expect_null(value(Future()))
  }
})

test_that("FutureGlobals are a named list that future() takes", {
  globals <- as.FutureGlobals(list(a = 40, b = 2))
  expect_s3_class(globals, c("FutureGlobals", "Globals", "list"), exact = TRUE)
  expect_false(attr(globals, "resolved"))
  expect_identical(as.FutureGlobals(globals), globals)
  expect_identical(value(future(a + b, globals = globals)), 42)
  expect_length(FutureGlobals(), 0L)
  expect_error(FutureGlobals(list(1)), class = "elsewhere_bad_argument")
  expect_error(FutureGlobals("a"), class = "elsewhere_bad_argument")
})

test_that("futureSessionInfo() says what is set up, without names", {
  local_plan(multisession, workers = 2)
  withr::local_options(future.rng.onMisuse = "ignore")
  text <- testthat::capture_messages(futureSessionInfo())
  text <- paste(text, collapse = "")
  expect_match(text, "multisession")
  expect_match(text, "future.rng.onMisuse = \"ignore\"", fixed = TRUE)
  expect_match(text, "Number of workers: 2")
  expect_match(text, "evaluated 2 futures")
  expect_no_match(text, Sys.info()[["nodename"]], fixed = TRUE)
})

test_that("remote keeps its workspace; uniprocess is sequential", {
  local_plan(remote, workers = "localhost")
  value(future({
    kept <- 42
    NULL
  }))
  expect_identical(value(future(kept, globals = FALSE)), 42)
  expect_s3_class(plan(), "cluster")
  plan(uniprocess)
  expect_identical(value(future(Sys.getpid())), Sys.getpid())
})
