test_that("a future and what is said about it are printed", {
  local_plan(multisession, workers = I(1))
  connection <- textConnection("a")
  withr::defer(close(connection))
  refused <- error_of(future({
    connection
    1
  }))
  expect_s3_class(
    refused, c("elsewhere_cannot_travel", "FutureError"), exact = FALSE
  )
  # The condition is none of its futures.
  expect_output(print(refused), "non-exportable reference")
  expect_output(print(attr(refused, "future")), "not started")
  expect_identical(value(refused), refused)
  expect_identical(value(list(refused)), list(refused))
  expect_true(resolved(refused))
  f <- future(stop("own"), label = "mine")
  expect_output(print(f), "mine")
  expect_error(value(f), "own")
  expect_output(print(f), "raised an error")
  expect_output(print(reset(f)), "not started")
})

test_that("cancel() takes futures and tasks, and nothing else", {
  for (x in list(5, NULL, "a", sum, FutureError("no future"))) {
    expect_error(cancel(x), class = "elsewhere_bad_argument")
  }
  expect_identical(cancel(list(5, NULL)), list(5, NULL))
})
