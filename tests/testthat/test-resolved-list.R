test_that("a long list of lazy futures resolves a little at each look", {
  local_plan(multisession, workers = 2)
  fs <- lapply(1:300, function(i) future(i, lazy = TRUE))
  first <- resolved(fs)
  expect_false(all(first))
  # Not all are started at once: a look is short.
  started <- sum(vapply(fs, function(f) f$state != "created", NA))
  expect_lt(started, 20L)
  expect_gt(started, 0L)
  expect_true(wait_until(function() all(resolved(fs))))
  expect_identical(unlist(value(fs)), 1:300)
})

test_that("resolved() of a list names, nests and signals as it should", {
  local_plan(multisession, workers = 2)
  fs <- list(a = future(1), b = list(future(2), 3), c = "plain")
  expect_true(wait_until(function() all(resolved(fs))))
  expect_named(resolved(fs), c("a", "b", "c"))
  seen <- character()
  fs <- list(future(
    {
      signalCondition(structure(
        class = c("immediateCondition", "condition"),
        list(message = "now", call = NULL)
      ))
      Sys.sleep(20)
    }
  ))
  withCallingHandlers(
    wait_until(function() {
      resolved(fs)
      length(seen) > 0L
    }),
    immediateCondition = function(c) seen <<- c(seen, conditionMessage(c))
  )
  expect_equal(seen, "now")
  cancel(fs)
})

test_that("a look at a list starts its lazy futures, wherever each is to be", {
  local_plan(multisession, workers = 2)
  fs <- list(
    future(Sys.getpid(), lazy = TRUE), sequential(Sys.getpid(), lazy = TRUE),
    multisession(Sys.getpid(), workers = I(1), lazy = TRUE)
  )
  expect_true(wait_until(function() all(resolved(fs))))
  pids <- unlist(value(fs))
  expect_equal(pids == Sys.getpid(), c(FALSE, TRUE, FALSE))
  expect_length(unique(pids), 3L)
})
