test_that("plan() answers the former stack, and takes it back", {
  former <- plan(sequential)
  expect_s3_class(former, "FutureStrategyList")
  local_plan(multisession, workers = 2)
  expect_s3_class(plan(), "multisession")
  expect_identical(nbrOfWorkers(), 2L)
  plan(former)
})

test_that("a strategy may be named", {
  local_plan("sequential")
  expect_s3_class(plan(), "sequential")
})

test_that("an unknown strategy is named, with those there are", {
  expect_error(
    plan("nonsense"), "\"nonsense\".*multisession",
    class = "elsewhere_bad_argument"
  )
  expect_error(plan(1), class = "elsewhere_bad_argument")
  expect_error(
    plan(multisession, workers = 2, start_timeout = "x"), "`start_timeout`",
    class = "elsewhere_bad_argument"
  )
})

test_that("a number of workers that is none is refused, and the plan stays", {
  local_plan(sequential)
  for (workers in list(0L, NA_integer_, TRUE, "x", -1, c(1, 2))) {
    expect_error(
      plan(multisession, workers = workers), "workers",
      class = "elsewhere_bad_argument"
    )
  }
  expect_s3_class(plan(), "sequential")
})

test_that("a worker library that does not exist is named", {
  expect_error(
    plan(multisession, workers = 2, rscript_libs = "/no/such/folder"),
    "/no/such/folder", class = "elsewhere_bad_argument"
  )
})

test_that("workers may be a function", {
  local_plan(multisession, workers = function() 2L)
  expect_identical(nbrOfWorkers(), 2L)
})

test_that("one worker is this process, and I(1) is another", {
  local_plan(multisession, workers = 1)
  f <- future(Sys.getpid())
  expect_identical(f$state, "created")
  expect_identical(value(f), Sys.getpid())
  local_plan(multisession, workers = I(1))
  expect_false(value(future(Sys.getpid())) == Sys.getpid())
})

test_that("far too many workers are refused unless meant", {
  withr::local_options(mc.cores = 1)
  expect_error(
    plan(multisession, workers = 4), "I\\(4\\)",
    class = "elsewhere_bad_argument"
  )
})

test_that("tweak() sets arguments of strategies, not of futures", {
  expect_identical(formals(tweak(multisession, workers = 2))$workers, 2)
  expect_error(
    tweak(multisession, seed = TRUE), class = "elsewhere_bad_argument"
  )
  local_plan(sequential)
  expect_warning(plan(sequential, abc = 1), "unknown future arguments")
})

# What a plan says of its arguments, by name.
unknown_of <- function(code) {
  said <- NULL
  withCallingHandlers(code, elsewhere_unknown_option = function(w) {
    said <<- c(said, stats::setNames(conditionMessage(w), toString(w$options)))
    invokeRestart("muffleWarning")
  })
  said
}

test_that("an argument that a kind of plan does not know is a warning", {
  local_plan(sequential)
  for (strategy in list(multicore, tweak(multisession, workers = 1))) {
    said <- unknown_of(plan(strategy, recycle = c(tasks = 1), workers = 1))
    expect_named(said, "recycle")
    expect_match(said, "`recycle` is for background workers", fixed = TRUE)
  }
  said <- unknown_of(plan(
    multicore, workers = 2, setup = quote(x <- 1), queue = 0
  ))
  expect_match(said, "in forks of this process, where `setup` has no effect")
  expect_match(said, "nodes of a cluster of the parallel package")
  # With a queue, it is a pool that evaluates them.
  expect_null(unknown_of(plan(
    multicore, workers = 2, setup = quote(x <- 1), queue = 2
  )))
  said <- unknown_of(plan(cluster, workers = 1, rshcmd = "nothing-here"))
  expect_match(said, "`rshcmd` is for workers on other machines")
  expect_null(unknown_of(plan(
    multisession, workers = I(1), recycle = c(tasks = 9), start_timeout = 9,
    rscript_libs = .libPaths(), launch = "exec", setup = quote(x <- 1)
  )))
  said <- unknown_of(plan(sequential, workers = 2))
  expect_match(said, "Detected 1 unknown .* `workers` is for this process and")
  expect_match(unknown_of(plan(sequential, nobody = 2)), "no effect.$")
})

test_that("a direct call is warned of arguments that it was given", {
  local_plan(sequential)
  expect_null(unknown_of(value(multisession(1, workers = 1))))
  said <- unknown_of(value(multisession(
    1, workers = 1, rscript_libs = .libPaths()
  )))
  expect_named(said, "rscript_libs")
})

test_that("nodes of parallel say what they do not know", {
  cl <- parallel::makeCluster(1L)
  withr::defer(parallel::stopCluster(cl))
  local_plan(sequential)
  said <- unknown_of(plan(
    cluster, workers = cl, recycle = c(tasks = 1), start_timeout = 5,
    rscript_libs = tempdir(), rshcmd = "nothing-here", persistent = TRUE,
    setup = quote(told <- 1), rscript_envs = c(ELSEWHERE_TEST = "there")
  ))
  expect_setequal(
    strsplit(names(said), ", ")[[1L]],
    c("recycle", "start_timeout", "rscript_libs", "rshcmd")
  )
  expect_match(said, "in nodes of a cluster of the parallel package, where")
  expect_identical(
    value(future(c(told, Sys.getenv("ELSEWHERE_TEST")), globals = FALSE)),
    c("1", "there")
  )
})

test_that("a worker gets the rest of the stack", {
  local_plan(
    list(tweak(multisession, workers = 2), tweak(multisession, workers = I(3)))
  )
  expect_identical(value(future(nbrOfWorkers())), 3L)
  expect_length(plan("tail"), 1L)
})

test_that("below the last level futures are sequential", {
  every_plan(expect_identical(value(future(nbrOfWorkers())), 1L))
})

test_that("a change of plan ends what runs", {
  local_plan(multisession, workers = 2)
  f <- future(Sys.sleep(60))
  plan(sequential)
  expect_error(value(f), class = "FutureInterruptError")
})

test_that("the same plan again changes nothing", {
  local_plan(multisession, workers = 2)
  f <- future({ Sys.sleep(0.2); 1 })
  plan(multisession, workers = 2)
  expect_identical(value(f), 1)
})

test_that("with(plan()) is for a while", {
  local_plan(sequential)
  pid <- with(plan(multisession, workers = I(1)), value(future(Sys.getpid())))
  expect_false(pid == Sys.getpid())
  expect_s3_class(plan(), "sequential")
  inside <- function() {
    with(plan(multisession, workers = 2), local = TRUE)
    class(plan())
  }
  expect_true("multisession" %in% inside())
  expect_s3_class(plan(), "sequential")
})

test_that("creation waits for a free worker, and a queue never does", {
  local_plan(multisession, workers = 2)
  gate <- withr::local_tempfile()
  wait_for <- function(path) while (!file.exists(path)) Sys.sleep(0.005)
  first <- lapply(1:2, function(i) future(wait_for(gate)))
  expect_identical(nbrOfFreeWorkers(), 0L)
  later <- future(file.exists(gate), lazy = TRUE)
  expect_false(resolved(later))
  file.create(gate)
  expect_true(value(future(file.exists(gate))))
  value(first)

  local_plan(multisession, workers = 2, queue = Inf)
  unlink(gate)
  futures <- lapply(1:20, function(i) future({ wait_for(gate); i }))
  expect_false(any(resolved(futures)))
  file.create(gate)
  expect_identical(value(futures), as.list(1:20))
})

test_that("a higher priority is evaluated earlier", {
  local_plan(multisession, workers = I(1), queue = Inf)
  gate <- withr::local_tempfile()
  log <- withr::local_tempfile()
  note <- function(name) cat(name, "\n", file = log, append = TRUE)
  blocker <- future(while (!file.exists(gate)) Sys.sleep(0.005))
  low <- future(note("low"))
  high <- future(note("high"), priority = 1L)
  file.create(gate)
  value(list(blocker, low, high))
  expect_identical(trimws(readLines(log)), c("high", "low"))
})

test_that("a worker is clean for each future", {
  local_plan(multisession, workers = I(1))
  here <- value(future(list(getwd(), getOption("digits"), Sys.getenv("HOME"))))
  value(future({
    assign("left", 1, envir = globalenv())
    options(digits = 3)
    Sys.setenv(HOME = "/elsewhere")
    setwd("/")
  }))
  expect_false(value(future(exists("left"))))
  expect_identical(
    value(future(list(getwd(), getOption("digits"), Sys.getenv("HOME")))), here
  )
})

test_that("the user's process is as it was after a sequential future", {
  local_plan(sequential)
  digits <- getOption("digits")
  home <- Sys.getenv("HOME")
  value(future({
    options(digits = 3)
    Sys.setenv(HOME = "/elsewhere")
    setwd("/")
  }))
  expect_identical(getOption("digits"), digits)
  expect_identical(Sys.getenv("HOME"), home)
})

test_that("a disallowed strategy is refused", {
  withr::local_options(future.plan.disallow = "multisession")
  expect_error(plan(multisession, workers = 2), class = "FutureError")
})

test_that("options of this process rule in the worker", {
  local_plan(multisession, workers = 2)
  withr::local_options(width = 55)
  expect_identical(value(future(getOption("width"))), 55L)
  expect_identical(value(future(getOption("mc.cores"))), 1L)
})

test_that("multiprocess forks where that can be done, else uses sessions", {
  local_plan(multiprocess, workers = 2)
  expect_s3_class(plan(), "multiprocess")
  kind <- if (supportsMulticore()) "Multicore" else "Multisession"
  expected <- paste0(kind, "Future")
  expect_s3_class(future(1), expected)
  withr::local_options(parallelly.fork.enable = FALSE)
  plan(sequential)
  plan(multiprocess, workers = 2)
  expect_s3_class(future(1), "MultisessionFuture")
})

test_that("cluster takes a function that names its hosts", {
  local_plan(cluster, workers = function() c("localhost", "localhost"))
  expect_identical(nbrOfWorkers(), 2L)
})

test_that("a cluster of the parallel package says where workers are started", {
  skip_if_not_installed("parallel")
  cl <- parallel::makeCluster(2)
  withr::defer(parallel::stopCluster(cl))
  local_plan(cluster, workers = cl)
  expect_identical(nbrOfWorkers(), 2L)
  expect_identical(value(lapply(1:3, function(i) future(i * 2))), list(2, 4, 6))
  # Its own nodes go on being the user's.
  expect_identical(parallel::clusterApply(cl, 1:2, function(i) i), list(1L, 2L))
})

test_that("a strategy that is called with its arguments alone is a plan", {
  withr::defer(plan(sequential))
  plan(multisession(workers = 2))
  expect_identical(nbrOfWorkers(), 2L)
  plan(elsewhere::cluster(workers = I(1), persistent = TRUE))
  expect_identical(class(value(future(Sys.getpid()))), "integer")
  expect_s3_class(plan(), "cluster")
  # Code that is no such call is evaluated.
  plan(tweak(multisession, workers = I(1)))
  expect_s3_class(plan(), "multisession")
})

test_that("workers start with the variables and code that their cluster had", {
  local_plan(
    cluster, workers = 1, rscript_startup = "options(abc = 42L)",
    rscript_envs = c(ELSEWHERE_TEST = "there", "HOME")
  )
  seen <- quote(list(
    getOption("abc"), Sys.getenv(c("ELSEWHERE_TEST", "HOME"), names = FALSE)
  ))
  for (round in 1:2) {
    expect_identical(
      value(future(seen, substitute = FALSE)),
      list(42L, c("there", Sys.getenv("HOME")))
    )
  }
  local_plan(cluster, workers = 1, rscript_startup = quote(options(abc = 43L)))
  expect_identical(value(future(getOption("abc"))), 43L)
  expect_error(
    plan(cluster, workers = 1, rscript_startup = 1),
    class = "elsewhere_bad_argument"
  )
  expect_error(
    plan(cluster, workers = 1, rscript_envs = 1),
    class = "elsewhere_bad_argument"
  )
})

test_that("of an argument that is given twice the first counts", {
  expect_warning(
    two <- tweak(multisession, workers = 2, workers = 3), "more than once"
  )
  expect_identical(formals(two)$workers, 2)
})
