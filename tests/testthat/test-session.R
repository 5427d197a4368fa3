test_that("a session is a process of processx", {
  local_leak_check()
  session <- local_session()
  expect_identical(class(session), c("r_session", "process", "R6"))
  expect_true(session$is_alive())
  expect_identical(session$get_pid(), session$run(function() Sys.getpid()))
  expect_true(session$has_input_connection())
  expect_true(session$has_poll_connection())
  expect_match(session$format(), "^PROCESS 'R', running, pid")
  expect_s3_class(session$get_start_time(), "POSIXct")
})

test_that("a session keeps its variables and packages between calls", {
  session <- local_session()
  session$run(function() assign("kept", 41, envir = globalenv()))
  session$run(function() library(tools))
  expect_identical(session$run(function() get("kept") + 1), 42)
  expect_true("package:tools" %in% session$run(function() search()))
})

test_that("a new session is clean", {
  session <- local_session()
  expect_identical(
    session$run(function() ls(globalenv(), all.names = TRUE)), character()
  )
  expect_false("elsewhere" %in% session$run(function() loadedNamespaces()))
  names <- session$run(function() names(Sys.getenv()))
  expect_identical(
    grep("^ELSEWHERE_(?!TEST|OS$)", names, value = TRUE, perl = TRUE),
    character()
  )
  # The names of what serves the session are not in the way of the user's.
  expect_error(session$run(function() evaluate), "object 'evaluate' not found")
  # Nothing but the standard descriptors gets into what a session starts.
  expect_identical(
    session$run(function() {
      system(
        "for fd in 3 4 5 6 7 8 9; do readlink /proc/self/fd/$fd; done; true",
        intern = TRUE
      )
    }) |> as.character(),
    character()
  )
})

test_that("the states are starting, idle, busy, idle, finished", {
  local_leak_check()
  session <- local_session(wait = FALSE)
  expect_identical(session$get_state(), "starting")
  expect_identical(next_event(session)$code, 201L)
  expect_identical(session$get_state(), "idle")
  session$call(function() 1)
  expect_identical(session$get_state(), "busy")
  expect_identical(next_event(session)$code, 200L)
  expect_identical(session$get_state(), "idle")
  session$close()
  expect_identical(session$get_state(), "finished")
  expect_false(session$is_alive())
})

test_that("print() says what the session does", {
  session <- local_session()
  expect_output(print(session), "^R SESSION, alive, idle, pid [0-9]+[.]$")
  session$call(function() 1)
  expect_output(print(session), "alive, busy")
  session$close()
  expect_output(print(session), "^R SESSION, finished, pid [0-9]+[.]$")
})

test_that("close() can be called again and returns NULL invisibly", {
  local_leak_check()
  session <- local_session()
  expect_identical(
    withVisible(session$close()), list(value = NULL, visible = FALSE)
  )
  expect_null(session$close())
  expect_identical(session$read()$code, 500L)
})

test_that("a busy session is killed when the grace of close() is over", {
  local_leak_check()
  session <- local_session()
  session$call(function() Sys.sleep(100))
  seconds <- system.time(
    expect_within_a_second(session$close(grace = 100))
  )[["elapsed"]]
  expect_gte(seconds, 0.1)
})

test_that("kill() moves the state to finished and leaves no file", {
  local_leak_check()
  session <- local_session()
  directory <- session$run(function() tempdir())
  expect_true(session$kill())
  expect_false(session$kill())
  expect_identical(session$get_state(), "finished")
  expect_false(dir.exists(directory))
  expect_identical(session$read()$code, 501L)
})

test_that("a result that has arrived can be read after kill()", {
  session <- local_session()
  session$call(function() "here")
  session$poll_process(60000L)
  session$kill(close_connections = FALSE)
  expect_identical(session$read()$result, "here")
  expect_identical(session$read()$code, 501L)
})

test_that("a session that is garbage collected is gone, with its files", {
  local_leak_check()
  session <- r_session$new()
  pid <- session$get_pid()
  directory <- session$run(function() tempdir())
  rm(session)
  gc()
  expect_true(wait_until(function() !is_process(pid)))
  expect_true(wait_until(function() !dir.exists(directory)))
})

test_that("a clone shares the session and does not end it", {
  session <- local_session()
  copy <- session$clone()
  expect_identical(copy$run(function() 1), 1)
  rm(copy)
  gc()
  expect_true(session$is_alive())
  expect_identical(session$run(function() 2), 2)
})

test_that("poll() takes sessions, processes and connections together", {
  local_leak_check()
  first <- local_session()
  second <- local_session()
  process <- processx::process$new("sleep", "100")
  withr::defer(process$kill())
  first$call(function() "done")
  polled <- processx::poll(
    list(
      a = first, b = second, p = process, c = second$get_output_connection()
    ),
    60000
  )
  expect_identical(names(polled), c("a", "b", "p", "c"))
  expect_identical(polled$a[["process"]], "ready")
  expect_identical(polled$b[["process"]], "silent")
  expect_identical(polled$c, "silent")
  expect_identical(first$read()$result, "done")
  polled <- processx::poll(list(first), 0)
  expect_identical(polled[[1]][["process"]], "timeout")
})

test_that("many sessions start at the same time", {
  local_leak_check()
  sessions <- lapply(
    1:4, function(i) local_session(wait = FALSE, frame = parent.frame(2))
  )
  deadline <- Sys.time() + 60
  while (any(vapply(sessions, function(s) s$get_state(), "") == "starting") &&
         Sys.time() < deadline) {
    polled <- processx::poll(sessions, 1000)
    for (i in seq_along(polled)) {
      if (polled[[i]][["process"]] == "ready") sessions[[i]]$read()
    }
  }
  states <- vapply(sessions, function(s) s$get_state(), "")
  expect_identical(states, rep("idle", 4))
  for (session in sessions) session$close()
})

test_that("running times are in seconds, and NA when nothing runs", {
  session <- local_session()
  times <- session$get_running_time()
  expect_identical(units(times), "secs")
  expect_identical(names(times), c("total", "current"))
  expect_true(is.na(times[["current"]]))
  session$call(function() Sys.sleep(100))
  expect_false(is.na(session$get_running_time()[["current"]]))
  session$close(grace = 0)
})

test_that("suspend() and resume() stop and continue the process", {
  session <- local_session()
  session$suspend()
  expect_identical(session$get_status(), "stopped")
  session$call(function() "on")
  expect_identical(session$poll_process(50L), "timeout")
  session$resume()
  expect_identical(next_event(session)$result, "on")
})

test_that("a deep clone shares the session and does not end it", {
  session <- local_session()
  copy <- session$clone(deep = TRUE)
  expect_identical(copy$run(function() 3), 3)
  rm(copy)
  gc()
  gc()
  expect_true(session$is_alive())
})

test_that("kill_tree() returns when the session has ended", {
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    session <- local_session()
    expect_true(session$get_pid() %in% session$kill_tree())
    expect_false(session$is_alive())
    expect_identical(session$get_state(), "finished")
  }
})
