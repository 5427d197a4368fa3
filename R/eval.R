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

eval_nested_error <- function(culprit) {
  maps <- c(
    "sapply", "lapply", "vapply", "Map", "map", "map_dbl", "map_chr", "map_int",
    "map_lgl", "walk", "mapply", "apply", "Filter", "Reduce"
  )
  head <- culprit[[1L]]
  if (is.call(head)) head <- head[[length(head)]]
  is_map <- as.character(head)[[1L]] %in% maps
  abort(
    paste0(
      "`", shorten(culprit, 80L), "` pauses in a function of its own, which R ",
      "cannot stop in the middle of. ",
      if (is_map) {
        "Use `await(async_map(x, async(function(i) ...)))`, or a `for` loop."
      } else {
        paste0(
          "Make that function `async(function(...) ...)`, or ",
          "`gen(function(...) ...)`, and await or go through what it returns."
        )
      }
    ),
    c("elsewhere_await_inside_function", "elsewhere_cannot_pause"),
    expression = culprit
  )
}

# An error raised directly in a body has the evaluator's own call; the user's is
# that of the async function, or none.
eval_clean_condition <- function(condition, coroutine) {
  if (!is.list(condition)) return(condition)
  call <- condition$call
  is_ours <- is.call(call) && length(call) == 4L &&
    identical(call[[2L]], quote(body)) && is.environment(call[[3L]])
  if (is_ours) condition["call"] <- list(.Call(ew_eval_state, coroutine)$call)
  condition
}
