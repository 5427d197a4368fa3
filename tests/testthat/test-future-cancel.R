test_that("cancel() ends a future whatever it does, and the next one runs", {
  plans <- list(
    function() local_plan(multisession, workers = 2, env = parent.frame(2L)),
    function() local_plan(multicore, workers = 2, env = parent.frame(2L))
  )
  for (set_plan in plans) {
    set_plan()
    mark <- withr::local_tempfile()
    work <- list(
      loop = function() repeat NULL,
      c_code = function() for (i in 1:1000) solve(diag(600)),
      system_call = function() system("sleep 1000"),
      deaf = function() repeat tryCatch(Sys.sleep(60), interrupt = identity)
    )
    for (name in names(work)) {
      f <- future({
        file.create(mark)
        work[[name]]()
      }, retries = 2)
      expect_true(wait_until(function() file.exists(mark)), info = name)
      unlink(mark)
      expect_identical(cancel(f, grace = 0.1), f)
      expect_identical(f$state, "canceled")
      expect_s3_class(error_of(value(f)), "FutureCanceledError")
      # Not started again by `retries`, and its slot is free.
      expect_identical(value(future(6 * 7)), 42)
      expect_false(file.exists(mark), info = name)
      f <- reset(f)
      expect_identical(f$state, "created")
    }
  }
})

test_that("cancel() of what waits, of what is lazy and of what has settled", {
  local_plan(multisession, workers = 2, queue = Inf)
  go <- withr::local_tempfile()
  fs <- lapply(1:6, function(i) {
    future({
      while (!file.exists(go)) Sys.sleep(0.01)
      i
    })
  })
  expect_identical(cancel(fs[3:6]), fs[3:6])
  for (f in fs[3:6]) expect_s3_class(error_of(value(f)), "FutureCanceledError")
  file.create(go)
  expect_identical(value(fs[1:2]), list(1L, 2L))
  expect_identical(value(cancel(fs[[1]])), 1L)
  expect_identical(value(cancel(future("lazy", lazy = TRUE))), "lazy")
  failed <- future(stop("own"))
  expect_error(value(failed), "own")
  expect_error(value(cancel(failed)), "own")
})
