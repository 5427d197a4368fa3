test_that("a map has the results in order, with names", {
  every_plan({
    k <- 3
    expect_identical(
      future_map(c(a = 1, b = 2), function(i) i * k), list(a = 3, b = 6)
    )
    expect_identical(future_map(list(1, NULL, 3), identity), list(1, NULL, 3))
    expect_identical(future_map(list(), identity), list())
    expect_identical(future_map_dbl(1:3, ~ .x + k), c(4, 5, 6))
    expect_identical(future_map_chr(list(list(n = "x")), "n"), "x")
  })
})

test_that("seeds do not depend on plan, workers or chunks", {
  draw <- function(...) {
    set.seed(1)
    future_map(1:25, function(i) rnorm(2), .seed = TRUE, ...)
  }
  expected <- draw()
  for (workers in 2:3) {
    local_plan(multisession, workers = I(workers))
    expect_identical(draw(), expected)
    expect_identical(draw(.chunk_size = 1), expected)
    expect_identical(draw(.chunk_size = 25), expected)
  }
})

test_that("future_lapply() has the numbers of future.apply", {
  skip_if_not_installed("future.apply")
  every_plan({
    set.seed(1)
    ours <- future_lapply(1:3, function(i) rnorm(1), future.seed = TRUE)
    set.seed(1)
    theirs <- future.apply::future_lapply(
      1:3, function(i) rnorm(1), future.seed = TRUE
    )
    expect_identical(ours, theirs)
  })
})

test_that("the first error ends a map, unchanged, and the pool goes on", {
  local_plan(multisession, workers = 2)
  error <- error_of(future_map(1:100, function(i) {
    if (i == 50) stop(errorCondition("fifty", class = "mine", data = i))
    i
  }))
  expect_s3_class(error, "mine")
  expect_identical(error$data, 50L)
  expect_identical(future_map_int(1:10, identity), 1:10)
})

test_that("a worker killed in a map is one typed error, or none with a retry", {
  local_plan(multisession, workers = 2)
  kill_once <- function(i, path) {
    if (i == 7 && !file.exists(path)) {
      file.create(path)
      tools::pskill(Sys.getpid(), 9)
      Sys.sleep(5)
    }
    i
  }
  path <- withr::local_tempfile()
  error <- error_of(future_map(1:20, kill_once, path))
  expect_s3_class(error, "FutureInterruptError")
  unlink(path)
  expect_identical(
    future_map_int(1:20, function(i) kill_once(i, path), .retries = 1), 1:20
  )
  expect_identical(nbrOfFreeWorkers(), 2L)
})

test_that("output of the elements comes in order", {
  every_plan({
    out <- capture.output(
      invisible(future_map(1:6, function(i) cat(i, "\n"), .chunk_size = 1))
    )
    expect_identical(trimws(out), as.character(1:6))
  })
})

test_that("chunks cover every element once, in order", {
  for (count in c(1, 2, 7, 100, 1001)) {
    for (workers in c(1, 2, 5)) {
      expect_identical(unlist(guided_chunks(count, workers)), seq_len(count))
      expect_identical(unlist(even_chunks(count, workers)), seq_len(count))
    }
  }
  sizes <- lengths(guided_chunks(1000, 2))
  expect_false(is.unsorted(rev(sizes)))
})

test_that("a result of the wrong type is named", {
  expect_error(
    future_map_int(1:2, function(i) "x"), class = "elsewhere_bad_result"
  )
})

test_that("arguments that are wrong are named", {
  expect_error(future_map(1:2, NULL), class = "elsewhere_bad_argument")
  expect_error(
    future_map(1:2, identity, .chunk_size = 0), class = "elsewhere_bad_argument"
  )
  expect_error(
    future_map(1:2, identity, .seed = list(1L)),
    class = "elsewhere_bad_argument"
  )
})

test_that("a promise of a future settles without polling", {
  every_plan({
    expect_identical(settled(promises::as.promise(future(42))), 42)
    expect_error(settled(promises::as.promise(future(stop("boo")))), "boo")
    expect_identical(settled(promises::as.promise(future(1, lazy = TRUE))), 1)
  })
})
