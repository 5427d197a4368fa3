# furrr has purrr attached where its futures are evaluated, also when that is
# here.
local_search_path <- function(env) {
  before <- search()
  withr::defer(
    for (name in setdiff(search(), before)) detach(name, character.only = TRUE),
    envir = env
  )
}

local_framework_plan <- function(..., env = parent.frame()) {
  skip_if_not_installed("future")
  local_search_path(env)
  former <- future::plan(pool, ...)
  withr::defer(future::plan(former), envir = env)
}

test_that("future's futures are evaluated on our workers", {
  local_framework_plan(workers = 2)
  a <- 20
  f <- future::future({
    cat("printed\n")
    message("said")
    warning("warned")
    c(a, Sys.getpid())
  })
  expect_s3_class(
    f, c("PoolFuture", "MultiprocessFuture", "Future"), exact = TRUE
  )
  expect_output(
    expect_message(expect_warning(v <- future::value(f), "warned"), "said"),
    "printed"
  )
  expect_identical(v[[1L]], 20)
  expect_false(v[[2L]] == Sys.getpid())
  expect_identical(future::nbrOfWorkers(), 2L)
  expect_identical(future::nbrOfFreeWorkers(), 2L)
})

test_that("future_lapply() and future_map() run on our workers", {
  skip_if_not_installed("future.apply")
  skip_if_not_installed("furrr")
  local_framework_plan(workers = 2)
  b <- 10
  g <- function(x) x + b
  expect_identical(
    future.apply::future_lapply(1:5, function(i) g(i)), lapply(1:5, g)
  )
  expect_identical(furrr::future_map_dbl(1:5, ~ .x + b), 1:5 + 10)
  pids <- future.apply::future_sapply(1:2, function(i) Sys.getpid())
  expect_false(Sys.getpid() %in% pids)
})

test_that("numbers drawn by companions are those of future's own plans", {
  skip_if_not_installed("future.apply")
  skip_if_not_installed("furrr")
  local_search_path(environment())
  draw <- function() {
    set.seed(42)
    c(
      future.apply::future_sapply(
        1:4, function(i) rnorm(1), future.seed = TRUE
      ),
      furrr::future_map_dbl(
        1:3, \(i) runif(1), .options = furrr::furrr_options(seed = TRUE)
      )
    )
  }
  here <- draw()
  local_framework_plan(workers = 2)
  expect_identical(draw(), here)
})

test_that("an error arrives as itself, a missing package as a FutureError", {
  local_framework_plan(workers = 1)
  own <- structure(
    class = c("mine", "error", "condition"),
    list(message = "m", call = NULL, x = 1)
  )
  error <- error_of(future::value(future::future(stop(own))))
  expect_identical(error, own)
  expect_s3_class(
    error_of(future::value(future::future(1, packages = "no.such.package"))),
    "FutureError"
  )
})

test_that("a killed worker is a FutureInterruptError, and is replaced", {
  local_framework_plan(workers = 1)
  f <- future::future(tools::pskill(Sys.getpid(), 9))
  expect_s3_class(error_of(future::value(f)), "FutureInterruptError")
  expect_identical(f$state, "interrupted")
  expect_identical(future::value(future::future(1)), 1)
})

test_that("futures can be canceled, reset, and stopped by a change of plan", {
  local_framework_plan(workers = 1)
  f <- future::future(Sys.sleep(60))
  future::cancel(f)
  expect_s3_class(error_of(future::value(f)), "FutureCanceledError")
  expect_identical(f$state, "canceled")
  f <- future::reset(f)
  f$expr <- quote(2)
  expect_identical(future::value(f), 2)
  f <- future::future(Sys.sleep(60))
  future::plan(future::sequential)
  expect_s3_class(error_of(future::value(f)), "FutureInterruptError")
})

test_that("immediate conditions arrive while the future runs, once", {
  local_framework_plan(workers = 1)
  go_on <- withr::local_tempfile()
  f <- future::future({
    signalCondition(structure(
      class = c("immediateCondition", "condition"),
      list(message = "early", call = NULL)
    ))
    while (!file.exists(go_on)) Sys.sleep(0.01)
    1
  })
  seen <- 0L
  withCallingHandlers(
    {
      deadline <- Sys.time() + 60
      while (seen == 0L && Sys.time() < deadline) {
        expect_false(future::resolved(f))
      }
      file.create(go_on)
      expect_identical(future::value(f), 1)
    },
    immediateCondition = function(condition) seen <<- seen + 1L
  )
  expect_identical(seen, 1L)
})

test_that("a future's own futures follow the rest of the plan", {
  skip_if_not_installed("future")
  former <- future::plan(list(
    future::tweak(pool, workers = 2), future::tweak(pool, workers = I(1))
  ))
  withr::defer(future::plan(former))
  inner <- future::value(future::future({
    c(Sys.getpid(), future::value(future::future(Sys.getpid())))
  }))
  expect_length(unique(c(inner, Sys.getpid())), 3L)
  local_framework_plan(workers = 1)
  future::value(future::future(future::plan(future::sequential, split = TRUE)))
  # What one future plans is not what the next one finds.
  expect_identical(future::value(future::future(future::nbrOfWorkers())), 1L)
})

test_that("a function that a package made with local() is not copied", {
  local_framework_plan(workers = 1)
  here <- new.env(parent = asNamespace("future"))
  f <- future::future(class(plan())[[2L]], envir = here)
  expect_identical(future::value(f), "sequential")
})

test_that("methods for the classes of globals are there", {
  skip_if_not_installed("data.table")
  local_framework_plan(workers = 1)
  # That package asks who calls it.
  here <- new.env(parent = globalenv())
  here$.datatable.aware <- TRUE
  here$table <- data.table::data.table(g = c(1, 1, 2), v = 1:3)
  f <- future::future(table[, sum(v), by = "g"]$V1, envir = here)
  expect_identical(future::value(f), c(3L, 3L))
})

test_that("a running future that was saved is another process's", {
  local_framework_plan(workers = 1)
  path <- withr::local_tempfile()
  f <- future::future(1)
  saveRDS(f, path)
  expect_s3_class(error_of(future::value(readRDS(path))), "FutureError")
  expect_identical(future::value(f), 1)
})

test_that("side effects are reported by future's own warnings", {
  local_framework_plan(workers = 1)
  class_of <- function(expr) {
    found <- NULL
    withCallingHandlers(
      future::value(expr),
      warning = function(condition) {
        found <<- class(condition)[[1L]]
        invokeRestart("muffleWarning")
      }
    )
    found
  }
  expect_identical(class_of(future::future(rnorm(1))), "RngFutureWarning")
  expect_identical(
    class_of(future::future({ file(tempfile(), "w"); 1 })),
    "ConnectionMisuseFutureWarning"
  )
  expect_identical(
    class_of(future::future({ grDevices::pdf(NULL); 1 })),
    "DeviceMisuseFutureWarning"
  )
})

test_that("with a queue, creating futures never waits", {
  local_framework_plan(workers = 1, queue = Inf)
  go_on <- withr::local_tempfile()
  futures <- lapply(1:4, function(i) {
    future::future({ while (!file.exists(go_on)) Sys.sleep(0.01); i })
  })
  expect_false(any(vapply(futures, future::resolved, NA)))
  file.create(go_on)
  expect_identical(future::value(futures), as.list(1:4))
})

test_that("the strategy can be called directly", {
  skip_if_not_installed("future")
  withr::defer(stop_framework_backends())
  b <- 2
  f <- pool({ b + 1 }, workers = 1)
  expect_s3_class(f, "PoolFuture")
  expect_identical(future::value(f), 3)
  lazy <- pool(b * 4, workers = 1, lazy = TRUE)
  expect_identical(lazy$state, "created")
  expect_identical(future::value(lazy), 8)
})

test_that("arguments of the backend are checked", {
  skip_if_not_installed("future")
  withr::defer(future::plan(future::sequential))
  expect_error(
    future::plan(pool, workers = -1), class = "elsewhere_bad_argument"
  )
  expect_error(
    future::plan(pool, workers = 1, rscript_libs = "/no/such/folder"),
    class = "elsewhere_bad_argument"
  )
  expect_error(
    future::plan(pool, workers = 1, setup = "x"),
    class = "elsewhere_bad_argument"
  )
})

test_that("our own plan() takes the strategy, too", {
  local_plan(pool, workers = 2)
  expect_s3_class(plan(), "multisession")
  expect_false(value(future(Sys.getpid())) == Sys.getpid())
})

test_that("the future package's plan() takes our strategies", {
  skip_if_not_installed("future")
  former <- future::plan(multisession, workers = 2)
  withr::defer(future::plan(former))
  f <- future::future(Sys.getpid())
  expect_s3_class(f, "PoolFuture")
  expect_false(future::value(f) == Sys.getpid())
  future::plan(sequential)
  expect_identical(future::value(future::future(Sys.getpid())), Sys.getpid())
})

test_that("foreach loops of doFuture run on our workers", {
  skip_if_not_installed("doFuture")
  local_framework_plan(workers = 2)
  foreach <- foreach::foreach
  `%dofuture%` <- doFuture::`%dofuture%`
  scale <- 10
  out <- foreach(i = 1:4, .combine = rbind) %dofuture% {
    c(i * scale, Sys.getpid())
  }
  expect_identical(unname(out[, 1L]), c(10, 20, 30, 40))
  expect_false(Sys.getpid() %in% out[, 2L])
  numbers <- function() {
    withr::with_seed(1, foreach(
      i = 1:3, .combine = c, .options.future = list(seed = TRUE)
    ) %dofuture% rnorm(1))
  }
  there <- numbers()
  former <- future::plan(future::sequential)
  here <- numbers()
  future::plan(former)
  expect_identical(there, here)
  expect_error(
    suppressWarnings(foreach(i = 1:2) %dofuture% stop("in the loop")),
    "in the loop"
  )
})

test_that("a pipeline of targets runs on our workers", {
  skip_if_not_installed("targets")
  withr::local_dir(withr::local_tempdir())
  writeLines(c(
    "library(targets)",
    "future::plan(elsewhere::pool, workers = 2)",
    "square <- function(x) x^2",
    "list(",
    "  tar_target(numbers, 1:3),",
    "  tar_target(",
    "    parts, c(square(numbers), Sys.getpid()), pattern = map(numbers),",
    "    iteration = \"list\"",
    "  ),",
    "  tar_target(total, sum(vapply(parts, `[[`, 0, 1L))),",
    "  tar_target(drawn, rnorm(2)),",
    "  tar_target(owner, Sys.getpid(), deployment = \"main\")",
    ")"
  ), "_targets.R")
  targets::tar_make_future(workers = 2, reporter = "silent")
  expect_identical(targets::tar_read_raw("total"), 14)
  pids <- vapply(targets::tar_read_raw("parts"), `[[`, 0, 2L)
  expect_false(targets::tar_read_raw("owner") %in% pids)
  drawn <- targets::tar_read_raw("drawn")
  targets::tar_destroy(ask = FALSE)
  targets::tar_make(reporter = "silent")
  expect_identical(targets::tar_read_raw("drawn"), drawn)
})
