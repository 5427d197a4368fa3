# Runs the event loop until `promise` has settled; list(value) or list(error =).
settled <- function(promise, seconds = 60) {
  outcome <- NULL
  promises::then(
    promise,
    onFulfilled = function(value) outcome <<- list(value = value),
    onRejected = function(error) outcome <<- list(error = error)
  )
  deadline <- Sys.time() + seconds
  while (is.null(outcome) && Sys.time() < deadline) later::run_now(0.5)
  outcome
}

test_that("the value of a call fulfils its promise", {
  local_leak_check(allow = "^thread")
  session <- local_session()
  session$call(function() {
    Sys.sleep(0.05)
    42
  })
  expect_identical(settled(promises::as.promise(session)), list(value = 42))
  expect_identical(session$get_state(), "idle")
  # And again, with the next call.
  session$call(function() 43)
  expect_identical(settled(promises::as.promise(session)), list(value = 43))
})

test_that("an error and a crash reject it", {
  session <- local_session()
  session$call(function() stop("no"))
  error <- settled(promises::as.promise(session))$error
  expect_s3_class(error, "callr_status_error")
  expect_match(conditionMessage(error), "no")
  session$call(function() {
    tools::pskill(Sys.getpid(), 9)
    Sys.sleep(10)
  })
  error <- settled(promises::as.promise(session))$error
  expect_s3_class(error, "elsewhere_worker_died")
})

test_that("a session that starts can be awaited", {
  session <- local_session(wait = FALSE)
  outcome <- settled(promises::as.promise(session))
  expect_identical(outcome$value, session)
  expect_identical(session$get_state(), "idle")
})

test_that("whoever reads the event settles the promise", {
  session <- local_session()
  session$call(function() 7)
  promise <- promises::as.promise(session)
  expect_identical(promises::as.promise(session), promise)
  next_event(session)
  expect_identical(settled(promise), list(value = 7))
})

test_that("closing the session rejects the promise", {
  session <- local_session()
  session$call(function() Sys.sleep(100))
  promise <- promises::as.promise(session)
  session$close(grace = 0)
  expect_s3_class(settled(promise)$error, "callr_error")
})

test_that("conditions arrive meanwhile", {
  session <- local_session()
  seen <- NULL
  withr::local_options(callr.condition_handler_my_progress = function(message) {
    seen <<- c(seen, message$amount)
  })
  session$call(function() {
    for (i in 1:3) {
      signalCondition(structure(
        list(message = "", amount = i),
        class = c("my_progress", "callr_message", "condition")
      ))
    }
    "end"
  })
  expect_identical(settled(promises::as.promise(session))$value, "end")
  expect_identical(seen, 1:3)
})

test_that("an idle session is nothing to wait for", {
  session <- local_session()
  expect_error(
    promises::as.promise(session), "There is nothing to wait for",
    class = "elsewhere_session_state"
  )
})

test_that("await() takes a session", {
  session <- local_session()
  session$call(function() 5)
  task <- async({
    await(session) + 1
  })
  expect_identical(settled(promises::as.promise(task))$value, 6)
})
