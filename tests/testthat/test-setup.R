test_that("setup code runs in each worker, also in one that replaces another", {
  offset <- 100
  local_plan(multisession, workers = I(1), setup = quote({
    counter <- 41
    count <- function() counter <<- counter + 1
  }))
  expect_equal(value(future(count())), 42)
  # What it keeps survives the tasks, which clear the workspace.
  expect_equal(value(future(count())), 43)
  expect_error(
    value(future(tools::pskill(Sys.getpid(), 9))),
    class = "FutureInterruptError"
  )
  expect_equal(value(future(count())), 42)
  local_plan(multisession, workers = I(1), setup = function() {
    numbers <<- offset + 1:3
    library(stats4)
  })
  expect_equal(value(future(numbers)), 101:103)
  expect_true(value(future("package:stats4" %in% search())))
  expect_error(plan(multisession, setup = 3), class = "elsewhere_bad_argument")
})

test_that("setup code that fails is the error of a start, with its words", {
  local_plan(
    multisession, workers = I(1), setup = quote(stop("no database here"))
  )
  error <- error_of(value(future(1)))
  expect_s3_class(error, "FutureLaunchError")
  expect_match(conditionMessage(error), "no database here")
})

test_that("everywhere() reaches every worker, those of later too", {
  local_plan(multisession, workers = 2)
  limit <- 10
  expect_null(everywhere({
    model <- lm(dist ~ speed, cars)
    bound <- limit * 2
    options(everywhere.seen = TRUE)
  }))
  meet <- meeting(2L)
  got <- value(lapply(1:2, function(i) {
    future({
      meet(i)
      list(
        Sys.getpid(), unname(coef(model)[2]), bound,
        getOption("everywhere.seen")
      )
    })
  }))
  expect_length(unique(lapply(got, `[[`, 1L)), 2L)
  expect_true(all(vapply(got, function(one) one[[3L]] == 20 && one[[4L]], NA)))
  value(
    lapply(1:2, function(i) future(tools::pskill(Sys.getpid(), 9))),
    signal = FALSE
  )
  everywhere(bound2 <- bound + 1)
  got <- value(lapply(1:4, function(i) future(bound2)))
  expect_equal(unlist(got), rep(21, 4))
})

test_that("everywhere() is for workers that are there, with what they have", {
  local_plan(multisession, workers = 2)
  wait_until(function() length(pool_status(current_backend()$pool)$pids) == 2L)
  pids <- sort(pool_status(current_backend()$pool)$pids)
  everywhere({
    held <- textConnection("from the connection")
    loadNamespace("stats4")
    first <- Sys.getpid()
  })
  everywhere(second <- first)
  expect_equal(sort(pool_status(current_backend()$pool)$pids), pids)
  meet <- meeting(2L)
  got <- value(lapply(1:2, function(i) {
    future({
      meet(i)
      c(first, second, Sys.getpid(), isNamespaceLoaded("stats4"), isOpen(held))
    })
  }))
  for (one in got) expect_equal(one, c(rep(one[[3L]], 3L), 1, 1))
  expect_equal(sort(vapply(got, `[[`, 1, 3L)), pids)
  # One that replaces another does both, in order.
  value(future(tools::pskill(Sys.getpid(), 9)), signal = FALSE)
  got <- value(lapply(1:4, function(i) future(c(first, second, Sys.getpid()))))
  for (one in got) expect_equal(one, rep(one[[3L]], 3L))
})

test_that("everywhere() that fails says where, why and what was printed", {
  local_plan(multisession, workers = 2)
  everywhere(kept <- 1)
  error <- error_of(everywhere({
    kept <- 2
    cat("looking for it\n")
    message("it is not there")
    stop("cannot load the model")
  }))
  expect_s3_class(error, "FutureLaunchError")
  text <- conditionMessage(error)
  expect_match(text, "cannot load the model")
  expect_match(text, "looking for it")
  expect_match(text, "it is not there")
  expect_setequal(
    error$failures$pid, pool_status(current_backend()$pool)$pids
  )
  # The workers go on with what it has done before it failed; those that start
  # later are not asked.
  expect_equal(value(future(kept)), 2)
  value(
    lapply(1:2, function(i) future(tools::pskill(Sys.getpid(), 9))),
    signal = FALSE
  )
  expect_equal(value(future(kept)), 1)
  error <- error_of(everywhere(quit("no", 3)))
  expect_s3_class(error, "FutureLaunchError")
  expect_equal(value(future(kept + 1)), 2)
})

test_that("a worker that fails only later is spoken of by the next future", {
  local_plan(multisession, workers = I(1), queue = Inf)
  mark <- withr::local_tempfile()
  started <- withr::local_tempfile()
  f <- future({
    file.create(started)
    while (!file.exists(mark)) Sys.sleep(0.01)
  })
  expect_true(wait_until(function() file.exists(started)))
  everywhere(stop("too late"))
  g <- future("queued behind")
  file.create(mark)
  value(f)
  expect_equal(value(g), "queued behind")
  expect_warning(
    h <- future("goes on"), "too late", class = "elsewhere_everywhere_failed"
  )
  expect_equal(value(h), "goes on")
  expect_no_warning(expect_equal(value(future(1)), 1))
})

test_that("a future that runs while everywhere() is called has its value", {
  local_plan(multisession, workers = 2)
  mark <- withr::local_tempfile()
  f <- future({
    while (!file.exists(mark)) Sys.sleep(0.01)
    "done"
  })
  everywhere(new <- "new")
  expect_equal(value(future(new)), "new")
  file.create(mark)
  expect_equal(value(f), "done")
  expect_equal(
    unlist(value(lapply(1:6, function(i) future(new)))), rep("new", 6)
  )
})

test_that("everywhere() without workers is for this process", {
  local_plan(sequential)
  withr::local_options(everywhere.here = NULL)
  everywhere(options(everywhere.here = 7))
  expect_equal(getOption("everywhere.here"), 7)
})

test_that("workers are replaced after so many tasks, with no future lost", {
  local_plan(multisession, workers = I(1), recycle = c(tasks = 3))
  pids <- unlist(value(lapply(1:12, function(i) future(Sys.getpid()))))
  expect_equal(
    unname(as.integer(table(factor(pids, unique(pids))))), rep(3L, 4L)
  )
})

test_that("workers are replaced by age", {
  local_plan(multisession, workers = I(1), recycle = c(age = 0.01))
  pids <- unlist(value(lapply(1:3, function(i) {
    future({
      Sys.sleep(0.05)
      Sys.getpid()
    })
  })))
  expect_length(unique(pids), 3L)
  expect_error(
    plan(multisession, recycle = c(days = 1)), class = "elsewhere_bad_argument"
  )
  expect_error(
    plan(multisession, recycle = 5), class = "elsewhere_bad_argument"
  )
})

test_that("workers are replaced by what they have kept in memory", {
  skip_without_memory()
  local_plan(multisession, workers = I(1), recycle = c(memory = 50e6))
  pid <- value(future(Sys.getpid()))
  expect_equal(value(future(Sys.getpid())), pid)
  f <- future({
    keep <- new.env()
    keep$leak <- numeric(2e7) + 1
    reg.finalizer(keep, function(e) NULL)
    registerS3method("print", "leak", local({
      held <- keep
      function(x, ...) held
    }), envir = baseenv())
    Sys.getpid()
  })
  expect_equal(value(f), pid)
  expect_false(value(future(Sys.getpid())) == pid)
})

test_that("a limit on memory is refused where nobody knows how much it is", {
  skip_if_not(is_portable(), "this system tells")
  expect_error(
    {
      local_plan(multisession, workers = I(1), recycle = c(memory = 50e6))
      value(future(1))
    },
    "does not tell how much.*`tasks` or `age`",
    class = "elsewhere_bad_argument"
  )
})

test_that("what a future leaves is cleaned away before the next", {
  local_plan(multisession, workers = I(1))
  state <- quote(list(
    options = options()[c("digits", "left.behind")],
    variable = Sys.getenv(c("LANGUAGE", "LEFT_BEHIND"), NA),
    directory = getwd(), search = search(), names = ls(globalenv()),
    kind = RNGkind(), sinks = c(sink.number(), sink.number(type = "message")),
    devices = dev.list(), connections = nrow(showConnections()),
    locale = Sys.getlocale(), seed = exists(".Random.seed", globalenv())
  ))
  ask <- function() value(future(state, substitute = FALSE, seed = NULL))
  # What the loading of a package sets would stay.
  pid <- value(future({
    loadNamespace("splines")
    Sys.getpid()
  }))
  before <- ask()
  f <- future(
    {
      options(digits = 3, left.behind = 1)
      Sys.setenv(LANGUAGE = "xx", LEFT_BEHIND = "yes")
      setwd(tempdir())
      library(splines)
      attach(list(a = 1), name = "attached")
      assign("left", 1, envir = globalenv())
      RNGkind("Wichmann-Hill")
      set.seed(1)
      sink(tempfile())
      sink(file(tempfile(), "w"), type = "message")
      grDevices::pdf(NULL)
      Sys.setlocale("LC_COLLATE", "C")
      Sys.setlocale("LC_TIME", "C")
      setTimeLimit(elapsed = 1e5)
      suppressWarnings(rnorm(1))
    },
    seed = NULL, conditions = "error"
  )
  suppressWarnings(value(f))
  expect_equal(ask(), before)
  expect_equal(value(future(Sys.getpid())), pid)
})

test_that("a persistent worker keeps what a future leaves", {
  local_plan(cluster, workers = 1, persistent = TRUE)
  value(future({
    left <- 41
    options(left.behind = 2)
    library(splines)
  }))
  expect_equal(value(future(left + 1)), 42)
  one <- 1
  value(future(left <- left + one))
  expect_equal(value(future(left)), 42)
  expect_equal(value(future(getOption("left.behind"))), 2)
  expect_true(value(future("package:splines" %in% search())))
})
