# What the evaluator (src/bridge/eval/) calls in R. It takes these functions
# from the namespace by name, once, when the package is loaded.

# A guard around one layer of a body: conditions go to the machine's own
# handlers, and its `finally` code runs when something else jumps away.
eval_guard <- function(coroutine, layer, loop, restarts = NULL) {
  frame <- environment()
  # A `break` that R evaluates ends the loop, and with it the guard, in order.
  is_over <- FALSE
  on.exit(
    if (!is_over && .Call(ew_eval_guard_left, coroutine, layer)) {
      eval_run_due(coroutine, layer, frame)
    }
  )
  handler <- function(condition) {
    .Call(ew_eval_dispatch, coroutine, layer, condition, frame, NULL)
  }
  if (is.null(restarts)) {
    .Call(ew_eval_run_shown, coroutine, layer, frame, TRUE)
  } else {
    withCallingHandlers(
      eval_with_restarts(
        coroutine, layer, restarts[[1L]], restarts[[2L]], loop
      ),
      condition = handler
    )
  }
  is_over <- TRUE
}

# Runs when a jump leaves the guard whose frame is `guard`, and again for each
# error in it that a handler of the body has caught.
eval_run_due <- function(coroutine, layer, guard) {
  is_first <- TRUE
  while (!isTRUE(eval_run_due_once(coroutine, layer, guard, is_first))) {
    is_first <- FALSE
  }
}

eval_run_due_once <- function(coroutine, layer, guard, is_first) {
  frame <- environment()
  handler <- function(condition) {
    .Call(ew_eval_dispatch, coroutine, layer, condition, frame, NULL)
  }
  delayedAssign(
    "loop", .Call(ew_eval_run_due, coroutine, layer, guard, is_first)
  )
  .Call(ew_eval_run_shown, coroutine, layer, frame, TRUE)
  TRUE
}

# The restarts of the body's withRestarts(), outermost first: `names` of each,
# and the number of its block. One that is invoked tells the machine, which goes
# on when R has left all that is inside.
eval_with_restarts <- function(coroutine, layer, names, blocks, loop) {
  if (length(names) == 0L) {
    return(.Call(ew_eval_run_shown, coroutine, layer, environment(), FALSE))
  }
  own <- lapply(seq_along(names[[1L]]), function(i) {
    function(...) {
      .Call(ew_eval_restart, coroutine, blocks[[1L]], i - 1L, list(...))
    }
  })
  inner <- quote(
    eval_with_restarts(coroutine, layer, names[-1L], blocks[-1L], loop)
  )
  names(own) <- names[[1L]]
  do.call(withRestarts, c(list(inner), own))
}

# `spec` is what withRestarts() takes: a function, or a list with a `handler`.
eval_call_restart <- function(spec, arguments) {
  if (is.list(spec)) spec <- spec$handler
  if (is.null(spec)) return(NULL)
  do.call(match.fun(spec), arguments, quote = TRUE)
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
eval_call_handler <- function(handler, cond) {
  value <- list(NULL, NULL, handler)
  value[[3L]](cond)
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

# try() itself prints and wraps the error. Of one that was raised right in its
# argument it shows its own call, as R's does, here `call`.
eval_try_handler <- function(
    call, silent = FALSE,
    outFile = getOption("try.outFile", default = stderr())) {
  force(silent)
  force(outFile)
  function(condition) {
    shown <- condition
    if (identical(shown$call, shown_try_catch)) shown$call <- call
    value <- try(stop(shown), silent = silent, outFile = outFile)
    attr(value, "condition") <- condition
    value
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

# C++ takes the forced promise from the frame of this function: R's API returns
# an element of `...` as a promise.
forced_promise <- function(...) {
  ..1
  environment()
}

# One call a line, for trace functions such as cat().
eval_trace_leaf <- function(trace, expr) {
  for (line in deparse(expr, width.cutoff = 60L)) {
    trace(paste0("R: ", line, "\n"))
  }
}

eval_trace_about <- function(trace, before, about, after) {
  trace(paste0(before, paste(deparse(about), collapse = " "), after))
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
      "`", shorten(culprit, 80L), "` contains an ordinary function that ",
      "pauses, and R cannot suspend an ordinary function. ",
      if (is_map) {
        "Use `await(async_map(x, function(i) ...))`, or a `for` loop."
      } else {
        paste0(
          "Make that function `async(function(...) ...)` and await its ",
          "result, or `gen(function(...) ...)` and loop over its result."
        )
      }
    ),
    c("elsewhere_await_inside_function", "elsewhere_cannot_pause"),
    expression = culprit
  )
}

# The last error that left a traceback, or that C code has raised.
eval_last_error <- function() {
  before <- "^Error( in [^\n]*? :)?[ :]*\n? *"
  text <- sub(before, "", geterrmessage(), perl = TRUE)
  simpleError(sub("\n.*$", "", text))
}

eval_refuse_loaded <- function() {
  abort(
    paste(
      "This task, promise or generator was saved and loaded, or sent to",
      "another process. It works only in the R process that created it.",
      "Create it here instead (you can send a function that does so), or save",
      "its values: `wait_for(task)`, `as.list(generator)`."
    ),
    "elsewhere_other_process"
  )
}

# What `shown` gives; a line for something that lives in another process.
or_of_other_process <- function(shown, kind) {
  tryCatch(shown, elsewhere_other_process = function(error) {
    paste0("<", kind, " [of another R process]>")
  })
}
