# A cluster of the parallel package, which ends with the test.
local_nodes <- function(workers = 2L, env = parent.frame()) {
  cl <- parallel::makeCluster(workers)
  withr::defer(try(parallel::stopCluster(cl), silent = TRUE), envir = env)
  cl
}

node_pids <- function(cl) unlist(parallel::clusterCall(cl, Sys.getpid))

test_that("the nodes of a cluster evaluate futures, with what they have", {
  cl <- local_nodes()
  pids <- node_pids(cl)
  parallel::clusterEvalQ(cl, library(stats4))
  local_plan(cluster, workers = cl)
  expect_equal(nbrOfWorkers(), 2L)
  meet <- meeting(2L)
  got <- value(lapply(1:2, function(i) {
    future({
      meet(i)
      list(Sys.getpid(), "package:stats4" %in% search(), getwd())
    })
  }))
  expect_setequal(vapply(got, `[[`, 1L, 1L), pids)
  expect_true(all(vapply(got, `[[`, NA, 2L)))
  # The cluster is still one of the parallel package.
  expect_setequal(node_pids(cl), pids)
  expect_equal(unlist(parallel::parLapply(cl, 1:4, function(i) i^2)), (1:4)^2)
  expect_equal(value(future(6 * 7)), 42)
  plan(sequential)
  expect_setequal(node_pids(cl), pids)
})

test_that("a cluster's variables are there when the plan is persistent", {
  cl <- local_nodes(1L)
  parallel::clusterExport(cl, "exported", list2env(list(exported = 41)))
  local_plan(cluster, workers = cl, persistent = TRUE)
  expect_equal(value(future(exported + 1, globals = FALSE)), 42)
  value(future(left <- exported))
  parallel::clusterExport(cl, "second", list2env(list(second = 1)))
  expect_equal(value(future(left + second, globals = FALSE)), 42)
  plan(cluster, workers = cl)
  expect_error(value(future(left, globals = FALSE)), "left")
})

test_that("futures in nodes relay, signal and draw like those of other plans", {
  cl <- local_nodes()
  local_plan(cluster, workers = cl)
  f <- future({
    cat("printed\n")
    warning("a warning")
    message("a message")
    42
  })
  seen <- character()
  output <- capture.output(withCallingHandlers(
    expect_equal(value(f), 42),
    warning = function(c) {
      seen <<- c(seen, conditionMessage(c))
      invokeRestart("muffleWarning")
    },
    message = function(c) {
      seen <<- c(seen, trimws(conditionMessage(c)))
      invokeRestart("muffleMessage")
    }
  ))
  expect_equal(seen, c("a warning", "a message"))
  expect_equal(output, "printed")
  expect_error(value(future(stop("mine"))), "mine")
  started <- withr::local_tempfile()
  f <- future({
    signalCondition(structure(
      class = c("immediateCondition", "condition"),
      list(message = "now", call = NULL)
    ))
    while (!file.exists(started)) Sys.sleep(0.01)
    "done"
  })
  told <- FALSE
  withCallingHandlers(
    expect_true(wait_until(function() {
      resolved(f)
      told
    })),
    immediateCondition = function(c) told <<- TRUE
  )
  expect_false(resolved(f))
  file.create(started)
  expect_equal(value(f), "done")
  error <- error_of(value(future(file(tempfile(), "w"))))
  expect_s3_class(error, "FutureError")
  expect_equal(value(future(Sys.getenv("R_TESTS_NOT_SET", NA))), NA_character_)
  big <- as.numeric(1:3e5) + 0.5
  expect_identical(value(future(rev(big))), rev(big))
})

test_that("a node that ends is an error of its future, and others go on", {
  cl <- local_nodes()
  pids <- node_pids(cl)
  local_plan(cluster, workers = cl)
  error <- error_of(value(future({
    tools::pskill(Sys.getpid(), 9)
    Sys.sleep(60)
  })))
  expect_s3_class(error, "FutureInterruptError")
  expect_match(conditionMessage(error), "has ended")
  # What is left goes on, and it is said once that one is gone.
  warned <- tryCatch(value(future(1)), warning = identity)
  expect_s3_class(warned, "elsewhere_node_lost")
  expect_match(conditionMessage(warned), "node 1 of the cluster .* has ended")
  expect_match(conditionMessage(warned), "in the 1 remaining node")
  expect_identical(nbrOfWorkers(), 1L)
  left <- unlist(value(lapply(1:3, function(i) future(Sys.getpid()))))
  expect_length(unique(left), 1L)
  expect_true(left[[1L]] %in% pids)
  plan(sequential)
  expect_warning(plan(cluster, workers = cl), "cannot be used as a whole")
  expect_equal(value(future(Sys.getpid())), left[[1L]])
  error <- error_of(value(future(quit("no"))))
  expect_s3_class(error, "FutureInterruptError")
  error <- error_of(future(1))
  expect_s3_class(error, "FutureLaunchError")
  expect_match(conditionMessage(error), "No node of the cluster is left")
})

test_that("a future whose node died is evaluated again in another", {
  cl <- local_nodes(3L)
  pids <- node_pids(cl)
  local_plan(cluster, workers = cl)
  directory <- withr::local_tempdir()
  # The first two nodes that begin it die of it.
  dies_twice <- quote({
    file.create(file.path(directory, Sys.getpid()))
    if (length(dir(directory)) < 3L) tools::pskill(Sys.getpid(), 9)
    Sys.getpid()
  })
  f <- future(dies_twice, substitute = FALSE, retries = 2L, seed = TRUE)
  got <- suppressWarnings(value(f))
  expect_setequal(dir(directory), as.character(pids))
  expect_true(got %in% pids)
  expect_equal(suppressWarnings(value(future(Sys.getpid()))), got)
  # It may die no more often than it was allowed to, or there are nodes.
  f <- future(tools::pskill(Sys.getpid(), 9), retries = 5L)
  expect_s3_class(error_of(value(f)), "FutureInterruptError")
})

test_that("resolved() and promises know that a future starts again", {
  cl <- local_nodes(2L)
  local_plan(cluster, workers = cl)
  directory <- withr::local_tempdir()
  dies_once <- quote({
    dir.create(file.path(directory, Sys.getpid()))
    if (length(dir(directory)) < 2L) tools::pskill(Sys.getpid(), 9)
    42
  })
  f <- future(dies_once, substitute = FALSE, retries = 1L)
  suppressWarnings(wait_until(function() resolved(f)))
  expect_identical(value(f), 42)
  plan(sequential)
  cl <- local_nodes(2L)
  plan(cluster, workers = cl)
  directory <- withr::local_tempdir()
  f <- future(dies_once, substitute = FALSE, retries = 1L)
  expect_identical(suppressWarnings(wait_for(async(await(f) + 1))), 43)
})

test_that("cancel(), `timeout` and interrupts reach a node, which goes on", {
  cl <- local_nodes(1L)
  pid <- node_pids(cl)
  local_plan(cluster, workers = cl)
  f <- future(repeat NULL)
  expect_false(resolved(f))
  cancel(f)
  expect_error(value(f), class = "FutureCanceledError")
  expect_equal(value(future(Sys.getpid())), pid)
  f <- future(repeat NULL, timeout = 0.2)
  expect_s3_class(error_of(value(f)), "elsewhere_timeout")
  expect_equal(value(future(Sys.getpid())), pid)
  error <- error_of(value(future({
    tools::pskill(Sys.getpid(), 2)
    Sys.sleep(60)
  })))
  expect_s3_class(error, "FutureInterruptError")
  expect_equal(value(future(Sys.getpid())), pid)
  # Many in a row, whatever the node is at when its interrupt comes.
  for (i in 1:20) {
    f <- future(if (i %% 2) 1 else repeat NULL)
    cancel(f)
    rm(f)
  }
  expect_equal(value(future(Sys.getpid())), pid)
  # A plan that is left leaves an idle node.
  f <- future(repeat NULL)
  plan(sequential)
  expect_s3_class(error_of(value(f)), "FutureInterruptError")
  expect_equal(node_pids(cl), pid)
})

test_that("a cluster that is stopped under its plan is said to be", {
  cl <- local_nodes(1L)
  local_plan(cluster, workers = cl)
  f <- future({
    Sys.sleep(0.1)
    "kept"
  })
  expect_equal(value(f), "kept")
  parallel::stopCluster(cl)
  error <- error_of(future(1))
  expect_s3_class(error, "FutureLaunchError")
  plan(sequential)
  error <- error_of({
    plan(cluster, workers = cl)
    future(1)
  })
  expect_s3_class(error, "FutureLaunchError")
  plan(sequential)
  expect_equal(value(future(1)), 1)
})

test_that("lazy futures, maps, setup and everywhere() work with nodes", {
  cl <- local_nodes()
  local_plan(cluster, workers = cl, setup = quote(prepared <- 40))
  fs <- lapply(1:10, function(i) future(i + prepared, lazy = TRUE))
  expect_true(wait_until(function() all(resolved(fs))))
  expect_equal(unlist(value(fs)), 1:10 + 40)
  everywhere(offset <- 2)
  expect_equal(value(future(prepared + offset)), 42)
  error <- error_of(everywhere(stop("not here")))
  expect_s3_class(error, "FutureLaunchError")
  expect_match(conditionMessage(error), "not here")
  expect_equal(unlist(future_map(1:5, function(i) i * offset)), 2 * 1:5)
  told <- NULL
  promises::then(
    promises::as.promise(future("told")), function(value) told <<- value
  )
  expect_true(wait_until(function() {
    later::run_now()
    !is.null(told)
  }))
  expect_equal(told, "told")
})

test_that("nodes that parallelly started, or that are forks, do the same", {
  cl <- parallelly::makeClusterPSOCK(1L, autoStop = TRUE)
  pid <- node_pids(cl)
  local_plan(cluster, workers = cl)
  expect_equal(value(future(Sys.getpid())), pid)
  plan(sequential)
  cl <- parallel::makeForkCluster(1L)
  withr::defer(parallel::stopCluster(cl))
  pid <- node_pids(cl)
  plan(cluster, workers = cl)
  expect_equal(value(future(Sys.getpid())), pid)
})
