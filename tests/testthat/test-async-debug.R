test_that("an error carries where each waiting task stood", {
  file <- withr::local_tempfile(fileext = ".R", lines = c(
    "inner <- async(function() {",
    "  await(soon(1))",
    "  stop('deep')",
    "})",
    "outer <- async(function() {",
    "  x <- 1",
    "  await(inner())",
    "})"
  ))
  env <- new.env(parent = environment())
  source(file, env, keep.source = TRUE)
  error <- tryCatch(settled(env$outer()), error = identity)
  expect_identical(conditionMessage(error), "deep")
  expect_identical(error$async_trace, paste0(
    basename(file), c("#3: inner()", "#7: env$outer()")
  ))
})

test_that("async_tasks() lists what waits, and for what", {
  slow <- async(function(secs) await(delay(secs)))
  first <- slow(100)
  second <- async(await(first))
  listed <- async_tasks()
  rows <- listed[listed$label %in% c("slow(100)", "async(await(first))"), ]
  expect_identical(rows$waits, c("await(delay(secs))", "await(first)"))
  expect_identical(rows$for_what, c("promise", "slow(100)"))
  expect_output(print(listed), "slow\\(100\\)")
  promises::catch(second, function(e) NULL)
  cancel(rows$task[[2L]])
  expect_error(settled(first), class = "cancelled")
  expect_false("slow(100)" %in% async_tasks()$label)
})

test_that("summary() tells the state of a generator, a task and a stream", {
  g <- gen({
    yield(1)
    stop("oops")
  })
  expect_identical(summary(g)$state, "yielded")
  nextOr(g)
  expect_error(nextOr(g), "oops")
  expect_identical(summary(g)$state, "stopped")
  done <- gen(yield(summary(done)$state))
  expect_identical(as.list(done), list("running"))
  expect_identical(summary(done)$state, "finished")
  expect_identical(summary(done)$targetEnv, emptyenv())

  task <- async(await(soon(1)))
  expect_identical(summary(task)$state, "pending")
  expect_identical(summary(task)$awaits, quote(await(soon(1))))
  settled(task)
  expect_identical(summary(task)$state, "resolved")
  bad <- async(stop("oops"))
  expect_error(settled(bad))
  expect_identical(conditionMessage(summary(bad)$err), "oops")
  expect_output(print(bad), "rejected: oops")

  st <- stream(yield(1))
  expect_identical(summary(st)$state, "yielded")
  settled(gather(st))
  expect_identical(summary(st)$state, "resolved")
  expect_output(print(st), "stream\\(yield\\(1\\)\\)")
})

test_that("debugAsync() switches tracing on and off", {
  g <- gen(for (i in 1:4) yield(i * 2))
  debugAsync(g, trace = TRUE)
  expect_output(nextOr(g), "R: i \\* 2")
  debugAsync(g, trace = FALSE)
  expect_silent(nextOr(g))
  expect_error(debugAsync(1, TRUE), class = "elsewhere_bad_argument")
})

test_that("debugR enters the browser in the body's environment", {
  code <- withr::local_tempfile(fileext = ".R", lines = c(
    "library(elsewhere)",
    "task <- async({",
    "  x <- await(delay(0, 20))",
    "  y <- x + 1",
    "  y * 2",
    "}, debugR = TRUE)",
    "while (!later::loop_empty()) later::run_now(1)",
    "c",
    "cat('x was', x, '\\n')",
    "c", "c", "c",
    "task$then(function(v) cat('value', v, '\\n'))",
    "while (!later::loop_empty()) later::run_now(1)"
  ))
  output <- processx::run(
    file.path(R.home("bin"), "R"), c("--no-save", "--quiet", "--interactive"),
    stdin = code, error_on_status = FALSE, stderr_to_stdout = TRUE,
    timeout = 300,
    env = c("current", R_LIBS = paste(.libPaths(), collapse = ":"))
  )$stdout
  expect_match(output, "debug at .*x \\+ 1")
})

test_that("a task that nothing can wake any more is closed when collected", {
  seen <- character()
  local({
    async({
      on.exit(seen <<- c(seen, "exit"))
      tryCatch(await(delay(Inf)), finally = seen <<- c(seen, "finally"))
    })
    g <- gen({
      tryCatch(repeat yield(1), finally = seen <<- c(seen, "generator"))
    })
    nextOr(g)
    NULL
  })
  deadline <- Sys.time() + 60
  while (length(seen) < 3L && Sys.time() < deadline) {
    gc()
    later::run_now(0.01)
  }
  expect_setequal(seen, c("exit", "finally", "generator"))
})

test_that("a coroutine that has ended lets go of its environment", {
  g <- gen(function() {
    x <- runif(1e5)
    yield(mean(x))
  })
  size <- function() length(serialize(it, NULL))
  it <- g()
  nextOr(it)
  full <- size()
  nextOr(it, NULL)
  # The numbers, all of them. What is left may be large, too: functions of the
  # package carry its source where that was kept.
  expect_gt(full - size(), 8e5)
})
