# Runs later's loop until `promise` has settled; its value, or its error.
settled <- function(promise, timeout = 60) {
  outcome <- NULL
  promises::then(
    promise,
    function(value, .visible) outcome <<- list(value = value),
    function(reason) outcome <<- list(reason = reason)
  )
  deadline <- Sys.time() + timeout
  while (is.null(outcome)) {
    if (Sys.time() > deadline) stop("the promise did not settle in time")
    later::run_now(0.05)
  }
  if (is.null(outcome$reason)) outcome$value else stop(outcome$reason)
}

# A promise of `value` that settles on a later turn of the loop.
soon <- function(value) {
  force(value)
  delay(0, value)
}

# After how many rounds loops are compiled now; put back when the test ends.
local_loop_rounds <- function(env = parent.frame()) {
  rounds <- compile_loops_after(0L)
  compile_loops_after(rounds)
  withr::defer(compile_loops_after(rounds), envir = env)
  rounds
}

# Runs the loop until `condition()` is TRUE; FALSE if it is not in time.
soon_true <- function(condition, timeout = 60) {
  deadline <- Sys.time() + timeout
  while (!condition() && Sys.time() < deadline) later::run_now(0.05)
  condition()
}
