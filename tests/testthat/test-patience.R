# Limits on what other processes do: a busy machine does not use them up.

test_that("what lasts longer than its slice counts as one slice", {
  patience <- new_patience(10, slice_max = 0.01)
  expect_identical(patience$slice(), 0.01)
  Sys.sleep(0.05)
  patience$spent()
  # Nothing of ten seconds but a hundredth is gone.
  spent <- 10 - environment(patience$spent)$left
  expect_lte(spent, 0.01)
  expect_gt(spent, 0)
})

test_that("patience ends", {
  expect_false(holds_within(0.02, function() FALSE))
  expect_false(holds_within(0, function() FALSE))
  expect_true(holds_within(0, function() TRUE))
  asked <- 0
  expect_true(holds_within(60, function() (asked <<- asked + 1) > 5))
})

test_that("where more want a processor than there are, it lasts longer", {
  share_of <- function(...) {
    processor_share(c("cpu  1 2", "cpu0 1 2", "cpu1 1 2", "intr 7 7", ...))
  }
  expect_identical(share_of("procs_running 1", "procs_blocked 0"), 1)
  expect_identical(share_of("procs_running 3", "procs_blocked 0"), 1)
  expect_identical(share_of("procs_running 9", "procs_blocked 0"), 0.25)
  expect_identical(share_of("procs_running 1", "procs_blocked 1"), 0.25)
  expect_identical(processor_share(character()), 1)
})

test_that("a session that is interrupted survives a machine that stood still", {
  outcome <- callr::r(function() {
    rs <- elsewhere::r_session$new(wait_timeout = 60000)
    flag <- tempfile()
    # It takes half a second to end, and as soon as it begins with that, nothing
    # moves for two.
    stall <- "
      until test -e $0; do sleep 0.01; done
      kill -STOP $@; sleep 2; kill -CONT $@"
    machine <- processx::process$new(
      "sh", c("-c", stall, flag, rs$get_pid(), Sys.getpid())
    )
    end_slowly <- function(flag) {
      tryCatch(Sys.sleep(600), interrupt = function(e) {
        file.create(flag)
        Sys.sleep(0.5)
      })
    }
    event <- rs$run_with_output(end_slowly, list(flag), timeout = 0.1)
    machine$wait()
    list(class(event$error), rs$get_state(), rs$run(function() "alive"))
  }, timeout = 600)
  expect_true("callr_timeout_error" %in% outcome[[1L]])
  expect_identical(outcome[[2L]], "idle")
  expect_identical(outcome[[3L]], "alive")
})

test_that("a limit that the caller has set is by the clock", {
  limit <- new_limit(0.05, is_given = TRUE)
  expect_gt(limit$slice(), 0)
  limit$spent()
  expect_true(wait_until(function() limit$slice() == 0))
  expect_error(
    r_session$new(wait_timeout = 0), "timed out",
    class = "elsewhere_worker_start"
  )
})
