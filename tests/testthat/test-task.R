test_that("a worker evaluates a task and its value comes back unchanged", {
  local_leak_check()
  for (launch in c("nursery", "exec")) {
    pool <- local_pool(launch = launch)
    value <- task_value(task_submit(pool, quote(list(a = 1:3, b = mtcars))))
    expect_identical(value, list(a = 1:3, b = mtcars))
    expect_false(
      task_value(task_submit(pool, quote(Sys.getpid()))) == Sys.getpid()
    )
  }
})

test_that("hundreds of tasks run on a few workers, each once", {
  local_leak_check()
  pool <- local_pool(2L)
  tasks <- lapply(1:300, function(i) task_submit(pool, bquote(.(i) * 2)))
  expect_true(tasks_wait(tasks, 60))
  values <- vapply(tasks, function(task) task_outcome(task)$value, 0)
  expect_identical(values, 1:300 * 2)
})

test_that("every worker has its own temporary directory and random numbers", {
  pool <- local_pool(2L)
  meet <- meeting(2L)
  tasks <- lapply(1:2, function(i) {
    task_submit(pool, bquote({
      .(meet)(.(i))
      list(pid = Sys.getpid(), directory = tempdir(), number = runif(1))
    }))
  })
  values <- lapply(tasks, task_value)
  for (field in c("pid", "directory", "number")) {
    expect_false(values[[1]][[field]] == values[[2]][[field]])
  }
  expect_true(all(vapply(values, function(v) dir.exists(v$directory), NA)))
  expect_false(values[[1]]$directory == tempdir())
})

test_that("a worker has the environment variables of its owner", {
  withr::local_envvar(ELSEWHERE_TEST_VARIABLE = "a = b", TZ = "Asia/Tokyo")
  for (launch in c("nursery", "exec")) {
    pool <- local_pool(launch = launch)
    expression <- quote(
      Sys.getenv(c("ELSEWHERE_TEST_VARIABLE", "TZ"), names = FALSE)
    )
    expect_identical(
      task_value(task_submit(pool, expression)), c("a = b", "Asia/Tokyo")
    )
    names <- task_value(task_submit(pool, quote(names(Sys.getenv()))))
    expect_identical(
      grep("^ELSEWHERE_(?!TEST|OS$)", names, value = TRUE, perl = TRUE),
      character()
    )
  }
})

test_that("a killed worker fails only its task, says how, and is replaced", {
  local_leak_check()
  pool <- local_pool()
  lost <- task_submit(pool, quote({
    cat("before the end\n")
    tools::pskill(Sys.getpid(), 9L)
    Sys.sleep(60)
  }))
  following <- task_submit(pool, quote(6 * 7))
  tasks_wait(list(lost), 60)
  outcome <- task_outcome(lost)
  expect_identical(outcome$kind, "lost")
  expect_identical(outcome$signal, 9L)
  expect_identical(outcome$output, "before the end\n")
  expect_match(outcome$message, "was killed by signal 9")
  expect_identical(task_value(following), 42)
})

test_that("quit() in a task is a lost worker with its status", {
  pool <- local_pool()
  task <- task_submit(pool, quote(quit(status = 7)))
  tasks_wait(list(task), 60)
  expect_identical(
    task_outcome(task)[c("kind", "status")], list(kind = "lost", status = 7L)
  )
})

test_that("a lost task runs again as often as its retries allow", {
  pool <- local_pool()
  mark <- withr::local_tempfile()
  expression <- bquote({
    if (!file.exists(.(mark))) {
      file.create(.(mark))
      tools::pskill(Sys.getpid(), 9L)
      Sys.sleep(60)
    }
    "second time"
  })
  expect_identical(
    task_value(task_submit(pool, expression, retries = 1L)), "second time"
  )
})

test_that("a cancelled task is interrupted, also in a loop; its worker stays", {
  pool <- local_pool()
  pid <- task_value(task_submit(pool, quote(Sys.getpid())))
  task <- task_submit(pool, quote(repeat NULL))
  expect_true(task_cancel(task, grace = 60))
  expect_identical(task_outcome(task)$kind, "cancelled")
  expect_identical(task_value(task_submit(pool, quote(Sys.getpid()))), pid)
  expect_false(task_cancel(task))
})

test_that("a task that ignores interrupts loses its worker after the grace", {
  pool <- local_pool()
  pid <- task_value(task_submit(pool, quote(Sys.getpid())))
  task <- task_submit(pool, quote(suspendInterrupts({
    get(".elsewhere", as.environment("tools:elsewhere"))$emit("holding")
    repeat NULL
  })))
  tasks_wait(list(task), 60, events = TRUE)
  task_cancel(task, grace = 0.1)
  expect_false(task_value(task_submit(pool, quote(Sys.getpid()))) == pid)
})

test_that("a task over its time limit settles, and the next one runs", {
  pool <- local_pool()
  task <- task_submit(pool, quote(Sys.sleep(60)), timeout = 0.1)
  expect_true(tasks_wait(list(task), 60))
  expect_identical(task_outcome(task)$kind, "timeout")
  expect_identical(task_value(task_submit(pool, quote(1))), 1)
})

test_that("conditions that a task emits arrive while it runs", {
  pool <- local_pool()
  task <- task_submit(pool, quote({
    get(".elsewhere", as.environment("tools:elsewhere"))$emit("halfway")
    Sys.sleep(60)
  }))
  expect_identical(tasks_wait(list(task), 60, events = TRUE), NA)
  expect_identical(task_events(task), list("halfway"))
  expect_identical(task_state(task), "running")
  expect_true(task_cancel(task))
})

test_that("a value that cannot travel is refused before it is sent", {
  pool <- local_pool()
  connection <- rawConnection(raw())
  withr::defer(close(connection))
  expect_null(task_submit(pool, connection))
  expect_identical(task_value(task_submit(pool, quote(1))), 1)
})

test_that("a worker that cannot be prepared breaks the pool, in R's words", {
  setup <- list(functions = worker_functions(
    evaluate = function(payload) NULL,
    prepare = function(setup) library("there.is.no.such.package")
  ))
  withr::defer(.Call(ew_engine_stop))
  pool <- pool_start(2L, setup)
  task <- task_submit(pool, 1)
  expect_true(tasks_wait(list(task), 60))
  outcome <- task_outcome(task)
  expect_identical(outcome$kind, "start")
  expect_match(outcome$message, "there.is.no.such.package")
  expect_match(pool_status(pool)$broken, "there.is.no.such.package")
})

test_that("a callback runs once its task has settled, and the loop waits", {
  pool <- local_pool()
  calls <- 0L
  task <- task_submit(pool, quote(Sys.sleep(0.1)))
  task_notify(task, function() calls <<- calls + 1L)
  expect_false(later::loop_empty())
  while (!later::loop_empty()) later::run_now(1)
  expect_identical(calls, 1L)
  task_notify(task, function() calls <<- calls + 1L)
  while (!later::loop_empty()) later::run_now(1)
  expect_identical(calls, 2L)
})

test_that("a task that nobody holds any more frees its worker", {
  pool <- local_pool()
  task <- task_submit(pool, quote(Sys.sleep(60)))
  rm(task)
  gc()
  expect_identical(task_value(task_submit(pool, quote(1))), 1)
})

test_that("forked children work beside a live pool and cannot use it", {
  skip_if_not_installed("parallel")
  pool <- local_pool()
  task <- task_submit(pool, quote(Sys.sleep(0.5)))
  squares <- parallel::mclapply(1:4, function(i) i^2, mc.cores = 2L)
  expect_identical(unlist(squares), (1:4)^2)
  forked <- parallel::mcparallel(tryCatch(task_state(task), error = class))
  expect_true("elsewhere_forked" %in% parallel::mccollect(forked)[[1L]])
  expect_null(task_value(task))
})

test_that("no worker outlives an owner that was killed, whatever it runs", {
  for (launch in c("nursery", "exec")) {
    owner <- local_r_process(bquote_lines({
      ns <- asNamespace("elsewhere")
      setup <- list(functions = ns$worker_functions(
        evaluate = function(payload) eval(payload)
      ))
      pool <- ns$pool_start(2L, setup, launch = .(launch))
      tasks <- list(
        ns$task_submit(pool, quote(repeat NULL)),
        ns$task_submit(pool, quote(solve(crossprod(matrix(rnorm(9e6), 3000)))))
      )
      while (length(ns$pool_status(pool)$pids) < 2L) Sys.sleep(0.01)
      cat("pids", ns$pool_status(pool)$pids, "\n")
      Sys.sleep(60)
    }))
    line <- read_line(owner, "^pids ")
    pids <- as.integer(strsplit(trimws(line), " ")[[1L]][-1L])
    expect_length(pids, 2L)
    owner$signal(9L)
    expect_true(within_a_second(function() !any(vapply(pids, is_process, NA))))
  }
})

test_that("Ctrl-C ends a wait at once and loses nothing", {
  gate <- withr::local_tempfile()
  owner <- local_r_process(bquote_lines({
    ns <- asNamespace("elsewhere")
    setup <- list(functions = ns$worker_functions(
      evaluate = function(payload) eval(payload)
    ))
    pool <- ns$pool_start(1L, setup)
    task <- ns$task_submit(pool, quote({
      while (!file.exists(.(gate))) Sys.sleep(0.01)
      42
    }))
    while (ns$task_state(task) == "queued") NULL
    cat("waiting\n")
    tryCatch(
      ns$tasks_wait(list(task)), interrupt = function(e) cat("interrupted\n")
    )
    ns$tasks_wait(list(task))
    cat("value", ns$task_outcome(task)$value, "\n")
  }))
  read_line(owner, "^waiting")
  owner$signal(2L)
  # It comes while the task runs, which ends only now.
  read_line(owner, "^interrupted")
  file.create(gate)
  expect_identical(read_line(owner, "^value"), "value 42 ")
})

test_that("a large payload and a large value travel whole, and leave nothing", {
  local_leak_check()
  pool <- local_pool()
  large <- list(numbers = rnorm(2e6), words = sprintf("word %d", 1:50000))
  task <- task_submit(pool, call("identity", large))
  expect_identical(task_value(task), large)
})

test_that("waiting for room ends when a worker is free, and not before", {
  pool <- local_pool()
  expect_true(pool_wait_for_room(pool))
  gate <- withr::local_tempfile()
  task <- task_submit(
    pool, bquote(while (!file.exists(.(gate))) Sys.sleep(0.01))
  )
  expect_true(wait_until(function() task_state(task) == "running"))
  expect_false(pool_wait_for_room(pool, timeout = 0.05))
  expect_true(pool_wait_for_room(pool, queued_max = 1, timeout = 0))
  file.create(gate)
  expect_true(pool_wait_for_room(pool, timeout = 60))
  expect_identical(task_state(task), "settled")
})
