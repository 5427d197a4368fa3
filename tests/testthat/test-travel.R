test_that("the path to what cannot travel is R code", {
  connection <- file(tempfile(), "w")
  withr::defer(close(connection))
  expect_null(find_reference(list(1, mtcars, mean, globalenv())))
  expect_identical(
    find_reference(list(1, list(con = connection)), "args"),
    list(path = "args[[2]]$con", class = "file")
  )
  holder <- new.env()
  holder$self <- holder
  holder$inner <- list(connection)
  expect_identical(find_reference(holder)$path, "x$inner[[1]]")
  keeper <- local({
    kept <- connection
    function() kept
  })
  expect_identical(find_reference(keeper, "f")$path, "environment(f)$kept")
  expect_null(find_reference(keeper, closures = "none"))
  tagged <- structure(1, tag = connection)
  expect_identical(find_reference(tagged)$path, "attr(x, \"tag\")")
})

test_that("an argument that cannot travel is named before anything is sent", {
  session <- local_session()
  connection <- file(tempfile(), "w")
  withr::defer(close(connection))
  error <- expect_error(
    session$run(function(x) x, list(list(con = connection))),
    "`args[[1]]$con` (file) cannot travel",
    fixed = TRUE, class = "elsewhere_cannot_travel"
  )
  expect_s3_class(error, "callr_error")
  expect_identical(session$get_state(), "idle")
  expect_identical(session$run(function() 1), 1)
})
