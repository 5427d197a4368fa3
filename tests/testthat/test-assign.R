test_that("reading the variable gives the value, or raises the error", {
  every_plan({
    x %<-% { 1 + 1 }
    expect_identical(x, 2)
    3 %->% y
    expect_identical(y, 3)
    z %<-% stop("boo")
    expect_error(z, "boo")
    # R says that it starts the promise again.
    expect_error(suppressWarnings(z), "boo")
  })
})

test_that("options stand on the right", {
  a <- 1
  x %<-% { a + b } %globals% list(a = 1, b = 2) %lazy% TRUE %label% "L" %seed%
    TRUE
  f <- futureOf(x)
  expect_identical(f$label, "L")
  expect_identical(f$state, "created")
  expect_identical(x, 3)
  y %<-% { cat("hi\n"); 1 } %stdout% FALSE
  expect_length(capture.output(got <- y), 0L)
})

test_that("%plan% and %tweak% are for one future", {
  local_plan(sequential)
  y %<-% { Sys.getpid() } %plan% tweak(multisession, workers = I(1))
  withr::defer(leave_backend())
  expect_false(y == Sys.getpid())
  z %<-% { Sys.getpid() }
  expect_identical(z, Sys.getpid())
  local_plan(multisession, workers = 2)
  w %<-% 1 %tweak% list(workers = I(1))
  expect_identical(w, 1)
})

test_that("elements of environments and listenvs can be assigned", {
  skip_if_not_installed("listenv")
  e <- new.env()
  e$k %<-% 5
  e[["l"]] %<-% 6
  expect_identical(e$k + e$l, 11)
  l <- listenv::listenv()
  l[["p"]] %<-% 6
  l[[3]] %<-% 7
  expect_identical(l$p, 6)
  expect_identical(l[[3]], 7)
  plain <- list()
  expect_error(plain$a %<-% 1, class = "elsewhere_bad_argument")
})

test_that("the future of a variable can be had until it is read", {
  x %<-% 1
  expect_s3_class(futureOf(x), "Future")
  expect_identical(x, 1)
  expect_error(futureOf(x), class = "FutureError")
  expect_identical(futureOf(x, mustExist = FALSE), NA)
})

test_that("futures may nest", {
  every_plan({
    a %<-% { b %<-% 2; b + 1 }
    expect_identical(a, 3)
  })
})

test_that("the calls of a failed assignment can be had without its value", {
  local_plan(sequential)
  x %<-% stop("no")
  e <- new.env()
  e$y %<-% stop("not that")
  expect_identical(backtrace(x), list(quote(stop("no"))))
  expect_identical(backtrace(e[["y"]]), list(quote(stop("not that"))))
})

test_that("a future that has not settled has no calls to show", {
  local_plan(multisession, workers = I(1))
  file <- withr::local_tempfile()
  f <- future({
    while (!file.exists(file)) Sys.sleep(0.01)
    stop("no")
  })
  expect_error(backtrace(f), "has not settled", class = "FutureError")
  file.create(file)
  resolve(f)
  expect_length(backtrace(f), 1)
  expect_error(backtrace(3), class = "elsewhere_bad_argument")
})

test_that("an element is named by its position, where it has one", {
  skip_if_not_installed("listenv")
  local_plan(sequential)
  x <- listenv::listenv()
  x$a %<-% 1 %lazy% TRUE
  expect_identical(futureOf(1, envir = x), futureOf(x$a))
  e <- new.env()
  expect_error(
    futureOf(e[[0]], mustExist = FALSE), class = "elsewhere_bad_argument"
  )
  expect_error(futureOf(1, envir = e), class = "elsewhere_bad_argument")
})
