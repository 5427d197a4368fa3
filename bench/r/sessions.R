# Sessions beside callr's: a call, a call with output, a start, a large value,
# a large condition.

# Measures `act(session)` on one of our sessions beside one of callr's.
compare_sessions <- function(title, act, repetitions, calls = 1, warm_up = 1) {
  ours <- elsewhere::r_session$new()
  theirs <- callr::r_session$new()
  on.exit({
    ours$close()
    theirs$close()
  })
  result <- compare(
    list(elsewhere = function() act(ours), callr = function() act(theirs)),
    repetitions = repetitions, calls = calls, warm_up = warm_up
  )
  titled(result, title)
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
  compare_sessions(
    "rs$run(function() 1 + 1)", function(session) session$run(job),
    repetitions = 20, calls = c(elsewhere = 500, callr = 4), warm_up = 50
  )
}

bench_sessions_output <- function() {
  job <- function() {
    cat("out\n")
    message("err")
    1
  }
  compare_sessions(
    "rs$run_with_output() of two lines",
    function(session) session$run_with_output(job),
    repetitions = 10, calls = c(elsewhere = 200, callr = 4), warm_up = 20
  )
}

bench_sessions_call <- function() {
  job <- function() 1 + 1
  poll_and_read <- function(session) {
    session$call(job)
    processx::poll(list(session), 5000)
    wait_for_event(session)
  }
  compare_sessions(
    "rs$call(), processx::poll(), rs$read()", poll_and_read,
    repetitions = 10, calls = c(elsewhere = 200, callr = 4), warm_up = 20
  )
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
  job <- function() stop("no")
  compare_sessions(
    "rs$run() of a function that fails",
    function(session) try(session$run(job), silent = TRUE),
    repetitions = 10, calls = c(elsewhere = 50, callr = 4), warm_up = 10
  )
}

bench_sessions_large <- function() {
  numbers <- stats::runif(1e7)
  compare_sessions(
    "80 MB there and back",
    function(session) session$run(function(x) x, list(numbers)),
    repetitions = 5
  )
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
  compare_sessions(
    "a condition of 8 MB from the session", all_events,
    repetitions = 5
  )
}
