# What the evaluator (src/bridge/eval/) calls in R. It takes these functions from
# the namespace by name, once, when the package is loaded.

# A guard around one layer of a body: conditions go to the machine's own
# handlers, and its `finally` code runs when something else jumps away.
eval_guard <- function(coroutine, layer, loop) {
  frame <- environment()
  on.exit(.Call(ew_eval_guard_left, coroutine, layer, frame))
  withCallingHandlers(
    loop,
    condition = function(condition) {
      .Call(ew_eval_dispatch, coroutine, layer, condition, frame, NULL)
    }
  )
}

# A calling handler of the machine runs with what lies further out as its
# handlers, as in R. `position` is where those begin.
eval_run_calling <- function(handler, condition, coroutine, position, frame) {
  layer <- position[[1L]]
  withCallingHandlers(
    handler(condition),
    condition = function(condition) {
      .Call(ew_eval_dispatch, coroutine, layer, condition, frame, position)
    }
  )
}

# The same shape as in tryCatch(), for the sake of sys.call() in a handler.
eval_call_handler <- function(handler, condition) {
  value <- list(NULL, NULL, handler)
  value[[3L]](condition)
}

eval_muffle_warnings <- function(classes = "warning") {
  function(condition) {
    if (inherits(condition, classes)) tryInvokeRestart("muffleWarning")
  }
}

eval_muffle_messages <- function(classes = "message") {
  function(condition) {
    if (inherits(condition, classes)) tryInvokeRestart("muffleMessage")
  }
}

# try() itself prints and wraps the error.
eval_try_handler <- function(
    silent = FALSE,
    outFile = getOption("try.outFile", default = stderr())) {
  force(silent)
  force(outFile)
  function(condition) {
    try(stop(condition), silent = silent, outFile = outFile)
  }
}

eval_build_error <- function(problem, culprit) {
  text <- paste(deparse(culprit, width.cutoff = 60L), collapse = " ")
  if (nchar(text) > 120L) text <- paste0(substr(text, 1L, 117L), "...")
  abort(
    sprintf("`%s` cannot be made pausable: %s.", text, problem),
    "elsewhere_cannot_pause",
    expression = culprit
  )
}

# A condition to raise inside a body.
eval_run_error <- function(message) simpleError(message)

# Its frame is where C++ takes the forced promise from.
forced_promise <- function(value) {
  value
  environment()
}

eval_trace_leaf <- function(trace, expr) {
  text <- paste(deparse(expr, width.cutoff = 60L), collapse = "\n")
  trace(paste0("R: ", text, "\n"))
}
