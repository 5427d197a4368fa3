# A handler of progressr that remembers when it heard of which step.
remembering_handler <- function(heard) {
  progressr::make_progression_handler(
    "remember",
    reporter = list(update = function(config, state, progression, ...) {
      heard$steps <- c(heard$steps, state$step)
      if (!is.null(heard$gate)) file.create(heard$gate)
    }),
    times = Inf, interval = 0, intrusiveness = 0, enable = TRUE
  )
}

test_that("progress of progressr arrives while futures run", {
  skip_if_not_installed("progressr")
  heard <- new.env()
  heard$gate <- gate <- withr::local_tempfile()
  local_plan(multisession, workers = 2)
  values <- progressr::with_progress(
    {
      p <- progressr::progressor(steps = 4)
      fs <- lapply(1:2, function(i) future({
        p()
        # They go on when their first step has been heard of, or in a minute.
        for (look in 1:6000) if (file.exists(gate)) break else Sys.sleep(0.01)
        p()
        c(i, file.exists(gate))
      }))
      value(fs)
    },
    handlers = remembering_handler(heard), enable = TRUE
  )
  expect_identical(values, list(c(1L, 1L), c(2L, 1L)))
  expect_equal(max(heard$steps), 4)
})

test_that("progress of progressr arrives from the elements of a map", {
  skip_if_not_installed("progressr")
  heard <- new.env()
  for (strategy in list(sequential, tweak(multisession, workers = 2))) {
    heard$steps <- NULL
    local_plan(strategy)
    y <- progressr::with_progress(
      {
        p <- progressr::progressor(along = 1:6)
        future_map(1:6, function(i) {
          p()
          i^2
        })
      },
      handlers = remembering_handler(heard), enable = TRUE
    )
    expect_equal(unlist(y), (1:6)^2)
    expect_equal(max(heard$steps), 6)
  }
})

test_that("output arrives while a future runs, if that is asked for", {
  mark <- withr::local_tempfile()
  local_plan(multisession, workers = I(1))
  f <- future(
    {
      cat("first\n")
      while (!file.exists(mark)) Sys.sleep(0.01)
      cat("second\n")
      message("told")
      7
    },
    stdout = structure(TRUE, live = TRUE)
  )
  seen <- character()
  expect_true(wait_until(function() {
    seen <<- c(seen, capture.output(invisible(resolved(f))))
    "first" %in% seen
  }))
  file.create(mark)
  expect_message(seen <- c(seen, capture.output(x <- value(f))), "told")
  expect_equal(seen, c("first", "second"))
  expect_equal(x, 7)
  # It is not printed twice.
  expect_identical(
    capture.output(suppressMessages(invisible(value(f)))), character()
  )
})
