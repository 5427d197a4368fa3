test_that("conditions of class callr_message arrive while the call runs", {
  session <- local_session()
  session$call(function() {
    signalCondition(structure(
      list(message = "half"), class = c("callr_message", "condition")
    ))
    2
  })
  event <- next_event(session)
  expect_identical(event$code, 301L)
  expect_s3_class(event$message, "callr_message")
  expect_identical(event$message$message, "half")
  expect_identical(session$get_state(), "busy")
  expect_identical(next_event(session)$result, 2)
})

test_that("run() signals them here, with a restart that muffles them", {
  session <- local_session()
  seen <- NULL
  signal <- function() {
    signalCondition(structure(
      list(message = "hi"), class = c("my_class", "callr_message", "condition")
    ))
    "value"
  }
  value <- withCallingHandlers(
    session$run(signal),
    callr_message = function(message) {
      seen <<- message
      invokeRestart("callr_r_session_muffle")
    }
  )
  expect_identical(value, "value")
  expect_identical(seen$muffle, "callr_r_session_muffle")
  count <- 0
  withr::local_options(callr.condition_handler_my_class = function(message) {
    count <<- count + 1
  })
  session$run(signal)
  expect_identical(count, 1)
})

test_that("restarts of the session are invoked once the condition has left", {
  session <- local_session()
  value <- withCallingHandlers(
    session$run(function() {
      withRestarts(
        {
          signalCondition(structure(
            list(message = "x"),
            class = c("cli_message", "callr_message", "condition")
          ))
          "not handled"
        },
        cli_message_handled = function() "handled"
      )
    }),
    cli_message = function(message) invokeRestart("callr_r_session_muffle")
  )
  expect_identical(value, "handled")
  event <- session$run_with_output(function() {
    message(structure(
      list(message = "x\n"),
      class = c("callr_message", "message", "condition")
    ))
  })
  expect_identical(event$stderr, "")
})

test_that("events come in order, each with one ready", {
  session <- local_session()
  session$call(function() {
    for (i in 1:50) {
      signalCondition(structure(
        list(message = "", number = i), class = c("callr_message", "condition")
      ))
    }
    "end"
  })
  numbers <- vapply(1:50, function(i) next_event(session)$message$number, 0L)
  expect_identical(numbers, 1:50)
  expect_identical(next_event(session)$result, "end")
  expect_identical(session$poll_process(0L), "timeout")
})

test_that("a code that is none is an error", {
  session <- local_session()
  session$call(function() {
    signalCondition(structure(
      list(message = "", code = 333), class = c("callr_message", "condition")
    ))
  })
  session$poll_process(60000L)
  expect_error(session$read(), "Unknown message code: `333`")
})

test_that("a session that quits in a call reports its status", {
  local_leak_check()
  session <- local_session()
  session$call(function() {
    cat("bye\n")
    q("no")
  })
  event <- next_event(session)
  expect_identical(event$code, 500L)
  expect_identical(event$message, "R session finished cleanly")
  expect_identical(event$stdout, "bye\n")
  expect_null(event$error)
  expect_identical(session$get_state(), "finished")
  expect_identical(session$read()$code, 500L)
  failing <- local_session()
  failing$call(function() q("no", 3))
  event <- next_event(failing)
  expect_identical(event$code, 501L)
  expect_identical(event$message, "R session crashed with exit code 3")
})

test_that("a session that crashes in run() gives its signal and last words", {
  local_leak_check()
  session <- local_session()
  error <- expect_error(
    session$run(function() {
      cat("last words\n")
      tools::pskill(Sys.getpid(), 9)
      Sys.sleep(10)
    }),
    class = "elsewhere_worker_died"
  )
  expect_s3_class(error, "callr_status_error")
  expect_identical(error$status, -9L)
  expect_identical(error$stdout, "last words\n")
  expect_match(conditionMessage(error), "crashed with exit code -9")
  expect_identical(session$get_state(), "finished")
})

test_that("an event of eight megabytes takes less than a second", {
  session <- local_session()
  session$call(function() {
    signalCondition(structure(
      list(message = "", load = numeric(1e6)), class = c(
        "callr_message", "condition"
      )
    ))
  })
  event <- expect_within_a_second(next_event(session))
  expect_length(event$message$load, 1e6)
})

test_that("a default handler that fails is a warning, not the call's failure", {
  withr::local_options(
    callr.condition_handler_test_broken = function(m) stop("cannot show")
  )
  session <- local_session()
  expect_warning(
    value <- session$run(function() {
      signalCondition(structure(
        class = c("test_broken", "callr_message", "condition"), list()
      ))
      "value"
    }),
    "cannot show"
  )
  expect_identical(value, "value")
})

test_that("a handler that leaves run() stops the call", {
  session <- local_session()
  left <- tryCatch(
    session$run(function() {
      signalCondition(structure(
        class = c("callr_message", "condition"), list(message = "now")
      ))
      Sys.sleep(100)
    }),
    callr_message = function(m) m$message
  )
  expect_identical(left, "now")
  expect_identical(session$get_state(), "idle")
  expect_identical(session$run(function() 1), 1)
})

test_that("a condition that only looks like cli's passes without a warning", {
  session <- local_session()
  job <- function() {
    withRestarts(
      {
        signalCondition(structure(
          list(message = "x"),
          class = c("cli_message", "callr_message", "condition")
        ))
        "not handled"
      },
      cli_message_handled = function() "handled"
    )
  }
  expect_no_warning(value <- session$run(job))
  expect_identical(value, "handled")
})
