# How many threads libraries use in a worker: asked of OpenMP itself, which R is
# linked with and which reads its variables once, when R starts.
openmp <- local({
  file <- NULL
  function() {
    if (!is.null(file)) return(file)
    folder <- tempfile("openmp")
    dir.create(folder)
    source <- file.path(folder, "threads.c")
    writeLines(c(
      "#include <omp.h>",
      "#include <Rinternals.h>",
      "SEXP openmp_threads(void) {",
      "  return Rf_ScalarInteger(omp_get_max_threads());",
      "}"
    ), source)
    log <- withr::with_envvar(
      c(PKG_CFLAGS = "-fopenmp", PKG_LIBS = "-fopenmp"),
      system2(
        file.path(R.home("bin"), "R"), c("CMD", "SHLIB", shQuote(source)),
        stdout = TRUE, stderr = TRUE
      )
    )
    built <- file.path(folder, paste0("threads", .Platform$dynlib.ext))
    if (!file.exists(built)) stop(paste(log, collapse = "\n"))
    file <<- built
  }
})

threads_there <- function() {
  library_file <- openmp()
  value(future({
    loaded <- dyn.load(library_file)
    .Call(getNativeSymbolInfo("openmp_threads", loaded))
  }))
}

test_that("a worker has the threads of its plan from its start on", {
  skip_on_os(c("mac", "windows"))
  withr::local_envvar(OMP_NUM_THREADS = NA, OPENBLAS_NUM_THREADS = NA)
  local_plan(multisession, workers = I(1), threads = 3)
  expect_identical(threads_there(), 3L)
  plan(multisession, workers = I(1), threads = 2, launch = "exec")
  expect_identical(threads_there(), 2L)
  # Several workers share the machine.
  plan(multisession, workers = 2)
  expect_identical(threads_there(), 1L)
  plan(multisession, workers = 2, threads = NA)
  machine <- threads_there()
  plan(multisession, workers = I(1))
  expect_identical(threads_there(), machine)
  plan(multisession, workers = 2, queue = Inf, threads = 5)
  expect_identical(threads_there(), 5L)
})

test_that("variables of the environment are there when R starts", {
  withr::local_envvar(OMP_NUM_THREADS = NA)
  local_plan(
    multisession, workers = 2,
    rscript_envs = c(OMP_NUM_THREADS = "3", ELSEWHERE_TEST = "there")
  )
  expect_identical(threads_there(), 3L)
  expect_identical(
    value(future(Sys.getenv(c("ELSEWHERE_TEST", "OMP_NUM_THREADS")))),
    c(ELSEWHERE_TEST = "there", OMP_NUM_THREADS = "3")
  )
  # What the environment here says is left alone.
  withr::local_envvar(OMP_NUM_THREADS = "4")
  plan(multisession, workers = 2)
  expect_identical(threads_there(), 4L)
})

test_that("forks and nodes of parallel have the threads of their plan", {
  withr::local_envvar(OMP_NUM_THREADS = NA, OPENBLAS_NUM_THREADS = NA)
  local_plan(multicore, workers = 2, threads = 3)
  expect_identical(threads_there(), 3L)
  plan(multicore, workers = 2)
  expect_identical(threads_there(), 1L)
  plan(multicore, workers = 2, threads = NA)
  machine <- threads_there()
  cl <- parallel::makeCluster(2L)
  withr::defer(parallel::stopCluster(cl))
  plan(cluster, workers = cl)
  expect_identical(threads_there(), machine)
  plan(cluster, workers = cl, threads = 3)
  expect_identical(threads_there(), 3L)
})

test_that("workers on other machines have them, too", {
  withr::local_envvar(OMP_NUM_THREADS = NA, OPENBLAS_NUM_THREADS = NA)
  # Runs what it is told to run on the host, as the login shell there would.
  ssh <- withr::local_tempfile()
  writeLines(c("#!/bin/sh", "shift", "exec sh -c \"$*\""), ssh)
  Sys.chmod(ssh, "755")
  local_plan(
    cluster, workers = rep("elsewhere.invalid", 2L), rshcmd = ssh,
    rscript = file.path(R.home("bin"), "Rscript"),
    rscript_libs = .libPaths(), threads = 3,
    rscript_envs = c(ELSEWHERE_TEST = "it's \"there\"")
  )
  expect_identical(threads_there(), 3L)
  expect_identical(
    value(future(Sys.getenv("ELSEWHERE_TEST"))), "it's \"there\""
  )
})

test_that("`threads` is one whole number or NA", {
  for (threads in list(0, 1.5, "2", c(1, 2), -1, Inf)) {
    expect_error(
      plan(multisession, workers = 2, threads = threads),
      class = "elsewhere_bad_argument"
    )
  }
  expect_error(
    plan(cluster, workers = 1, rscript_envs = c("A=B" = "c")),
    class = "elsewhere_bad_argument"
  )
  said <- tryCatch(
    plan(multisession, workers = 1, threads = 2), warning = identity
  )
  expect_s3_class(said, "elsewhere_unknown_option")
  plan(sequential)
})

test_that("the future package's plan has threads, too", {
  skip_if_not_installed("future")
  withr::local_envvar(OMP_NUM_THREADS = NA, OPENBLAS_NUM_THREADS = NA)
  library_file <- openmp()
  ask <- quote({
    loaded <- dyn.load(library_file)
    .Call(getNativeSymbolInfo("openmp_threads", loaded))
  })
  former <- future::plan(elsewhere::pool, workers = 2)
  withr::defer(future::plan(former))
  run <- function() {
    future::value(future::future(
      ask, substitute = FALSE, globals = list(library_file = library_file)
    ))
  }
  expect_identical(run(), 1L)
  future::plan(elsewhere::pool, workers = 2, threads = 3)
  expect_identical(run(), 3L)
})
