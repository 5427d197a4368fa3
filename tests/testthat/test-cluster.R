local_cluster <- function(..., env = parent.frame()) {
  cl <- make_cluster(...)
  withr::defer(parallel::stopCluster(cl), envir = env)
  cl
}

test_that("the functions of parallel run on the nodes", {
  cl <- local_cluster(2)
  expect_identical(
    parallel::parLapply(cl, 1:5, function(i) i^2), lapply(1:5, \(i) i^2)
  )
  expect_identical(parallel::parSapply(cl, 1:5, function(i) i), 1:5)
  expect_identical(parallel::clusterApply(cl, 1:5, identity), as.list(1:5))
  expect_identical(parallel::clusterApplyLB(cl, 5:1, identity), as.list(5:1))
  expect_identical(parallel::parLapplyLB(cl, 1:5, identity), as.list(1:5))
  expect_identical(
    parallel::clusterMap(cl, function(a, b) a + b, 1:3, 4:6), list(5L, 7L, 9L)
  )
  expect_identical(parallel::parApply(cl, matrix(1:6, 2), 1, sum), c(9L, 12L))
  pids <- unlist(parallel::clusterCall(cl, Sys.getpid))
  expect_length(unique(c(pids, Sys.getpid())), 3L)
  expect_identical(
    unlist(parallel::clusterCall(cl[2L], Sys.getpid)), pids[[2L]]
  )
})

test_that("what is exported to a node stays there", {
  cl <- local_cluster(2)
  x <- 5
  parallel::clusterExport(cl, "x", envir = environment())
  parallel::clusterEvalQ(cl, {
    library(tools)
    y <- x + 1
  })
  expect_identical(parallel::clusterEvalQ(cl, y), list(6, 6))
  attached <- parallel::clusterEvalQ(cl, "package:tools" %in% search())
  expect_true(all(unlist(attached)))
})

test_that("streams of random numbers are those of a socket cluster", {
  cl <- local_cluster(2)
  draw <- function(cl) {
    parallel::clusterSetRNGStream(cl, 42)
    parallel::parSapply(cl, 1:4, function(i) stats::rnorm(1))
  }
  socket <- parallel::makeCluster(2L)
  withr::defer(parallel::stopCluster(socket))
  expect_identical(draw(cl), draw(socket))
})

test_that("an error on a node is an error of the call, and the node goes on", {
  cl <- local_cluster(2)
  expect_error(
    parallel::parLapply(cl, 1:3, function(i) if (i == 2) stop("two") else i),
    "one node produced an error: two"
  )
  expect_identical(parallel::parLapply(cl, 1:3, identity), as.list(1:3))
})

test_that("a call that jumps to top level is an error in its place", {
  cl <- local_cluster(2)
  one <- function(i) if (i == 2) invokeRestart("abort") else i
  expect_error(parallel::clusterApplyLB(cl, 1:3, one), "top level")
  expect_identical(parallel::clusterApplyLB(cl, 1:3, identity), as.list(1:3))
})

test_that("a call that was interrupted leaves no answers behind", {
  cl <- local_cluster(2)
  parallel::clusterEvalQ(cl, kept <- 1)
  limited <- function() {
    setTimeLimit(elapsed = 0.3)
    on.exit(setTimeLimit())
    parallel::parLapply(cl, 1:2, function(i) { Sys.sleep(60); "stale" })
  }
  expect_error(limited(), "time limit")
  expect_identical(parallel::parLapply(cl, 1:2, identity), list(1L, 2L))
  expect_identical(parallel::clusterEvalQ(cl, kept), list(1, 1))
})

test_that("a node that ended says so, then and later", {
  cl <- local_cluster(1)
  die <- function() tools::pskill(Sys.getpid(), 9)
  expect_error(
    parallel::clusterCall(cl, die), "signal 9", class = "elsewhere_worker_died"
  )
  expect_error(
    parallel::clusterCall(cl, identity, 1), class = "elsewhere_worker_died"
  )
})

test_that("a stopped cluster takes no calls, and may be stopped again", {
  cl <- make_cluster(1)
  parallel::stopCluster(cl)
  expect_error(
    parallel::clusterCall(cl, identity, 1), "was stopped",
    class = "elsewhere_worker_died"
  )
  expect_no_error(parallel::stopCluster(cl))
})

test_that("a cluster and its nodes print what they are", {
  cl <- local_cluster(2, setup = quote(z <- 3))
  expect_output(print(cl), "elsewhere cluster with 2 nodes")
  expect_output(print(cl[[2L]]), "node 2 .*, idle")
  expect_identical(parallel::clusterEvalQ(cl, z), list(3, 3))
})

test_that("arguments of make_cluster() are checked", {
  expect_error(make_cluster(0), class = "elsewhere_bad_argument")
  expect_error(make_cluster(1, "/no/such"), class = "elsewhere_bad_argument")
  expect_error(make_cluster(1, setup = 1), class = "elsewhere_bad_argument")
})

test_that("nodes are set up by a function or by code, with what these need", {
  factor <- 6
  double <- function(x) 2 * x
  cl <- make_cluster(
    2, setup = function() prepared <<- double(factor) + median(1:3)
  )
  withr::defer(parallel::stopCluster(cl))
  expect_identical(parallel::clusterEvalQ(cl, prepared), list(14, 14))
  expect_identical(
    parallel::clusterEvalQ(cl, exists(".setup")), list(FALSE, FALSE)
  )
  coded <- make_cluster(1, setup = quote(prepared <- 21))
  withr::defer(parallel::stopCluster(coded))
  expect_identical(parallel::clusterEvalQ(coded, prepared * 2), list(42))
  for (wrong in list("code", 1, function(x) x)) {
    expect_error(
      make_cluster(1, setup = wrong), class = "elsewhere_bad_argument"
    )
  }
})
