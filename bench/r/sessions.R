# Sessions beside callr's: a call, a call with output, a start, a large value,
# a large condition.

with_sessions <- function(measure, ...) {
  ours <- elsewhere::r_session$new(...)
  theirs <- callr::r_session$new(...)
  on.exit({
    ours$close()
    theirs$close()
  })
  measure(ours, theirs)
}

titled <- function(result, title) structure(result, title = title)

wait_for_event <- function(session) {
  repeat {
    session$poll_process(5000)
    event <- session$read()
    if (!is.null(event)) return(event)
  }
}

bench_sessions_run <- function() {
  job <- function() 1 + 1
  result <- with_sessions(function(ours, theirs) {
    compare(
      list(
        elsewhere = function() ours$run(job),
        callr = function() theirs$run(job)
      ),
      repetitions = 20, calls = c(elsewhere = 500, callr = 4), warm_up = 50
    )
  })
  titled(result, "rs$run(function() 1 + 1)")
}

bench_sessions_output <- function() {
  job <- function() {
    cat("out\n")
    message("err")
    1
  }
  result <- with_sessions(function(ours, theirs) {
    compare(
      list(
        elsewhere = function() ours$run_with_output(job),
        callr = function() theirs$run_with_output(job)
      ),
      repetitions = 10, calls = c(elsewhere = 200, callr = 4), warm_up = 20
    )
  })
  titled(result, "rs$run_with_output() of two lines")
}

bench_sessions_call <- function() {
  job <- function() 1 + 1
  poll_and_read <- function(session) {
    session$call(job)
    processx::poll(list(session), 5000)
    wait_for_event(session)
  }
  result <- with_sessions(function(ours, theirs) {
    compare(
      list(
        elsewhere = function() poll_and_read(ours),
        callr = function() poll_and_read(theirs)
      ),
      repetitions = 10, calls = c(elsewhere = 200, callr = 4), warm_up = 20
    )
  })
  titled(result, "rs$call(), processx::poll(), rs$read()")
}

bench_sessions_start <- function() {
  start <- function(generator) {
    session <- generator$new()
    session$run(function() 1)
    session$close()
  }
  result <- compare(
    list(
      elsewhere = function() start(elsewhere::r_session),
      callr = function() start(callr::r_session),
      "R --vanilla" = function() {
        system2(
          file.path(R.home("bin"), "R"),
          c("--vanilla", "--slave", "-e", shQuote("invisible()"))
        )
      }
    ),
    repetitions = 8
  )
  titled(result, "new(), first run() and close()")
}

bench_sessions_error <- function() {
  fail <- function(session) try(
    session$run(function() stop("no")), silent = TRUE
  )
  result <- with_sessions(function(ours, theirs) {
    compare(
      list(
        elsewhere = function() fail(ours), callr = function() fail(theirs)
      ),
      repetitions = 10, calls = c(elsewhere = 50, callr = 4), warm_up = 10
    )
  })
  titled(result, "rs$run() of a function that fails")
}

bench_sessions_large <- function() {
  numbers <- stats::runif(1e7)
  result <- with_sessions(function(ours, theirs) {
    compare(
      list(
        elsewhere = function() ours$run(function(x) x, list(numbers)),
        callr = function() theirs$run(function(x) x, list(numbers))
      ),
      repetitions = 5
    )
  })
  titled(result, "80 MB there and back")
}

bench_sessions_condition <- function() {
  job <- function() {
    signalCondition(structure(
      list(message = "", load = numeric(1e6)),
      class = c("callr_message", "condition")
    ))
    NULL
  }
  all_events <- function(session) {
    session$call(job)
    while (!identical(wait_for_event(session)$code, 200L)) NULL
  }
  result <- with_sessions(function(ours, theirs) {
    compare(
      list(
        elsewhere = function() all_events(ours),
        callr = function() all_events(theirs)
      ),
      repetitions = 5
    )
  })
  titled(result, "a condition of 8 MB from the session")
}
