# The examples of the documentation that specifies the three systems run as they
# are written there, with `library(elsewhere)` before them.

test_that("the examples of r_session run as documented", {
  rs <- r_session$new()
  expect_identical(rs$run(function() 1 + 2), 3)
  rs$call(function() Sys.sleep(1))
  expect_identical(rs$get_state(), "busy")
  expect_identical(rs$poll_process(60000), "ready")
  expect_identical(rs$read()$code, 200L)
  expect_identical(rs$get_state(), "idle")
  rs$close()
  expect_output(print(rs), "^R SESSION, finished, pid [0-9]+\\.$")
})

test_that("the article on r_session runs as documented: starting", {
  rs2 <- r_session$new(wait = FALSE)
  expect_output(print(rs2), "^R SESSION, alive, starting, pid [0-9]+\\.$")
  expect_identical(rs2$get_state(), "starting")
  pr <- processx::poll(list(rs2), 60000)
  expect_identical(
    pr[[1]], c(output = "silent", error = "silent", process = "ready")
  )
  expect_identical(
    rs2$read(),
    structure(
      list(code = 201L, message = "ready to go"), class = "callr_session_result"
    )
  )
  rs2$close()

  opts <- r_session_options(
    load_hook = quote({ message("I am running!"); Sys.sleep(1) })
  )
  rs3 <- r_session$new(wait = FALSE, options = opts)
  withr::defer(rs3$close())
  pr <- processx::poll(list(rs3), 60000)
  expect_identical(pr[[1]][["error"]], "ready")
  expect_identical(rs3$read_error(), "I am running!\n")
  expect_identical(rs3$poll_process(60000), "ready")
  expect_identical(rs3$read()$code, 201L)
})

test_that("the article on r_session runs as documented: several sessions", {
  num_procs <- 4
  procs <- list(
    session = replicate(
      num_procs, r_session$new(wait = FALSE), simplify = FALSE
    ),
    start_result = vector("list", num_procs)
  )
  withr::defer(for (session in procs$session) session$close())
  limit <- Sys.time() + as.difftime(60, units = "secs")
  while ((now <- Sys.time()) < limit &&
         any(vapply(procs$session, \(p) p$get_state(), "") == "starting")) {
    timeout <- as.double(limit - now, units = "secs")
    pr <- processx::poll(procs$session, as.integer(timeout * 1000))
    lapply(seq_along(pr), function(i) {
      if (pr[[i]][["process"]] == "ready") {
        procs$start_result[[i]] <<- procs$session[[i]]$read()
      }
    })
  }
  expect_identical(vapply(procs$start_result, `[[`, 0L, "code"), rep(201L, 4L))

  result <- procs$session[[2]]$run_with_output(function() {
    message("I am process ", Sys.getpid(), ".")
    head(mtcars)
  })
  expect_identical(
    names(result), c("code", "message", "result", "stdout", "stderr", "error")
  )
  expect_identical(result$result, head(mtcars))
  expect_match(result$stderr, "^I am process [0-9]+\\.\n$")
  expect_identical(result$stdout, "")
  expect_null(result$error)

  invisible(lapply(procs$session, function(p) {
    p$call(function() {
      Sys.sleep(runif(1) * 0.5)
      Sys.getpid()
    })
  }))
  expect_output(print(procs$session[[1]]), "alive, busy, pid")
  results <- list()
  while (length(results) < 4L) {
    busy <- Filter(function(p) p$get_state() == "busy", procs$session)
    pr <- processx::poll(busy, 5000)
    for (i in seq_along(pr)) {
      if (pr[[i]][["process"]] == "ready") {
        results <- c(results, list(busy[[i]]$read()$result))
      }
    }
  }
  pids <- vapply(procs$session, function(p) p$get_pid(), 0L)
  expect_setequal(unlist(results), pids)
})

test_that("the article on r_session runs as documented: errors", {
  rs <- r_session$new()
  withr::defer(rs$close())
  error <- tryCatch(
    rs$run(function() library("not-a-package")), error = identity
  )
  expect_s3_class(error, c("callr_error", "rlib_error_3_0"))
  expect_match(conditionMessage(error), "in callr subprocess", fixed = TRUE)
  # The quotes are those of the locale.
  expect_match(
    conditionMessage(error), "there is no package called .not-a-package."
  )
  rs$call(function() library("still-not"))
  expect_identical(rs$poll_process(60000), "ready")
  result <- rs$read()
  expect_identical(result$code, 200L)
  expect_null(result$result)
  expect_s3_class(result$error, "callr_error")
})

test_that("the example of multisession runs as documented", {
  withr::defer(plan(sequential))
  ## Use multisession futures
  plan(multisession)

  ## A global variable
  a <- 0

  ## Create future (explicitly)
  f <- future({
    b <- 3
    c <- 2
    a * b * c
  })

  ## A multisession future is evaluated in a separate R session.
  ## Changing the value of a global variable will not affect
  ## the result of the future.
  a <- 7
  expect_output(print(a), "7")

  v <- value(f)
  expect_output(print(v), "0")
  stopifnot(v == 0)

  ## Explicitly close multisession workers by switching plan
  plan(sequential)
})

test_that("the example of multiprocess runs as documented", {
  withr::defer(plan(sequential))
  suppressWarnings(plan(multiprocess))
  a <- 0
  f <- future({
    b <- 3
    c <- 2
    a * b * c
  })
  a <- 7
  v <- value(f)
  stopifnot(v == 0)
  expect_identical(v, 0)
})

test_that("the example of async runs as documented", {
  output <- capture.output({
    myAsync <- async(for (i in 1:4) {
      cat(i, "\n")
    }, trace = with_prefix("myAsync"))
    while (!later::loop_empty()) later::run_now(1)
  })
  expect_identical(grep("^[0-9]", output, value = TRUE), paste(1:4, ""))
  expect_identical(output[[1L]], "myAsync: pump: run")
  expect_s3_class(myAsync, c("async", "promise"))
})

test_that("a pipe of await() calls runs as documented", {
  makeRequest <- function() delay(0.01, c(3, 1, 2))
  sorted <- NULL
  promises::then(
    async(makeRequest() |> await() |> sort()), function(value) sorted <<- value
  )
  while (!later::loop_empty()) later::run_now(1)
  expect_identical(sorted, c(1, 2, 3))
})
