test_that("seeds give the same numbers under every plan", {
  numbers <- list()
  every_plan({
    set.seed(1)
    by_true <- value(future(rnorm(2), seed = TRUE))
    by_one <- value(future(rnorm(2), seed = 42L))
    numbers <- c(numbers, list(c(by_true, by_one)))
  })
  expect_identical(numbers[[1L]], numbers[[2L]])
})

test_that("streams are those of the parallel package", {
  skip_if_not_installed("parallel")
  seed <- with_lecuyer(set.seed(42))
  expect_identical(next_stream(seed), parallel::nextRNGStream(seed))
  streams <- element_seeds(3, 42L)
  expected <- list()
  for (i in 1:3) {
    expected[[i]] <- parallel::nextRNGSubStream(seed)
    seed <- parallel::nextRNGStream(seed)
  }
  expect_identical(streams, expected)
})

test_that("one integer is a stream from set.seed()", {
  expected <- next_stream(with_lecuyer(set.seed(42)))
  expect_identical(future(1, seed = 42L, lazy = TRUE)$seed, expected)
  given <- c(10407L, 1:6)
  expect_identical(future(1, seed = given, lazy = TRUE)$seed, given)
})

test_that("`seed = TRUE` moves the user's generator by one draw", {
  set.seed(3)
  sample.int(1L, 1L)
  once <- .Random.seed
  set.seed(3)
  kind <- RNGkind()
  value(future(1, seed = TRUE))
  expect_identical(.Random.seed, once)
  expect_identical(RNGkind(), kind)
})

test_that("without a seed the user's generator is not touched", {
  every_plan({
    set.seed(3)
    before <- .Random.seed
    value(future(1))
    expect_identical(.Random.seed, before)
  })
})

test_that("numbers without a seed are a warning, or what the option says", {
  every_plan({
    expect_warning(value(future(rnorm(1))), class = "RngFutureWarning")
    # A whole round of R's generator.
    expect_warning(value(future(runif(624))), class = "RngFutureWarning")
    expect_no_warning(value(future(rnorm(1), seed = NULL)))
    withr::with_options(
      list(future.rng.onMisuse = "error"),
      expect_error(value(future(rnorm(1))), class = "RngFutureError")
    )
    withr::with_options(
      list(future.rng.misUse = "ignore"),
      expect_no_warning(value(future(rnorm(1))))
    )
  })
})

test_that("code that may draw, and does not, is no misuse", {
  every_plan({
    withr::local_preserve_seed()
    for (kind in c("Mersenne-Twister", "L'Ecuyer-CMRG")) {
      RNGkind(kind)
      rm(".Random.seed", envir = globalenv())
      # A callback of later's keeps the generator's state, which makes one.
      expect_no_warning(value(future({
        later::later(function() NULL)
        later::run_now()
      })))
      .GlobalEnv$.Random.seed <- NULL
      rm(".Random.seed", envir = globalenv())
      expect_warning(value(future(runif(1))), class = "RngFutureWarning")
    }
  })
})

test_that("an error of the expression comes before that of the generator", {
  withr::local_options(future.rng.onMisuse = "error")
  error <- error_of(value(future({ rnorm(1); stop("mine") })))
  expect_identical(conditionMessage(error), "mine")
})

test_that("the kind of random numbers is the user's, even without a state", {
  local_plan(sequential)
  withr::local_preserve_seed()
  RNGkind("default", "default", "default")
  set.seed(1)
  value(future(rnorm(1), seed = 42))
  rm(".Random.seed", envir = globalenv())
  expect_identical(RNGkind()[[1]], "Mersenne-Twister")
})

test_that("R warns of a kind of numbers where it is chosen, not by futures", {
  local_plan(sequential)
  withr::local_preserve_seed()
  suppressWarnings(RNGkind(sample.kind = "Rounding"))
  withr::defer(RNGkind(sample.kind = "default"))
  set.seed(1)
  expect_no_warning(value(future(sample(5), seed = 42)))
})
