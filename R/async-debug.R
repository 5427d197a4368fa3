#' Debug a coroutine while it runs
#'
#' With `R = TRUE`, R's [browser()] opens before each step of the body, in the
#' body's environment: look at variables, type `n` or `c` to go on to the next
#' step, or `Q` to leave (a task is then rejected). You can also call
#' `browser()` in the body itself. Source lines are shown if the code has source
#' references.
#'
#' @param x What [gen()], [async()] or [stream()] returned. For a function made
#'   by `async(function(...) ...)`, use its argument `debugR`.
#' @param R `TRUE` or `FALSE`: stop before each step.
#' @param internal Accepted for compatibility with the async package; `FALSE`.
#' @param trace `TRUE` prints each step with [cat()]; a function of one string
#'   is called with each step; `FALSE` turns tracing off. If missing, tracing is
#'   left as it is.
#' @return A list of the current settings (`R`, `internal`, `trace`), invisibly.
#' @section Errors:
#' * `elsewhere_bad_argument`: `x` is not a generator, task or stream.
#' @examples
#' ten <- gen(for (i in 1:10) yield(i))
#' debugAsync(ten, trace = TRUE)
#' nextOr(ten)
#' debugAsync(ten, trace = FALSE)
#' nextOr(ten)
#' @export
debugAsync <- function(x, R, internal, trace) {
  coroutine <- coroutine_of(x)
  if (is.null(coroutine)) {
    abort_argument("x", "a generator, a task or a stream", x, call = sys.call())
  }
  debugged <- .Call(ew_eval_state, coroutine)$debug
  traced <- .Call(ew_eval_state, coroutine)$trace
  if (!missing(R)) {
    check_flag(R, "R")
    debugged <- R
  }
  if (!missing(trace)) {
    traced <- if (isTRUE(trace)) {
      cat
    } else if (!isFALSE(trace)) {
      check_trace(trace)
    }
  }
  .Call(ew_eval_debug, coroutine, debugged, traced)
  invisible(list(
    R = debugged, internal = FALSE,
    trace = if (is.null(traced)) FALSE else traced
  ))
}

# The coroutine behind an object, or NULL.
coroutine_of <- function(x) {
  if (inherits(x, "async") && is_own_promise(x)) {
    .Call(ew_promise_state, x)$owner
  } else if (inherits(x, "stream")) {
    channel_state(x)$coroutine
  } else if (inherits(x, "generator") && is_own_generator(x)) {
    environment(x)$coroutine
  }
}

# For the evaluator: an expression that stops in the browser and then does what
# `expr` does.
eval_debug_leaf <- function(expr, srcref) {
  place <- srcref_label(srcref)
  if (!nzchar(place)) place <- "async code"
  cat("debug at ", place, ": ", paste(deparse(expr), collapse = "\n"), "\n",
    sep = ""
  )
  call("{", quote(base::browser(skipCalls = 0L)), expr)
}

#' List the waiting tasks
#'
#' @return A data frame with one row for each task and stream that is waiting
#'   now, longest wait first: `label` (its call, or its code), `at` (the place
#'   in the source, `"file.R#12"`; `""` without source references), `waits` (the
#'   call in which it waits), `for_what` (a task's label, or a class), `seconds`
#'   (how long it has waited), and `task`, a list of the promises and streams
#'   themselves, for [cancel()]. The last column is not printed.
#' @examples
#' slow <- async(function(secs) await(delay(secs)))
#' task <- slow(10)
#' async_tasks()
#' cancel(task)
#' \dontshow{promises::catch(task, function(e) NULL)}
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
async_tasks <- function() {
  waiting <- .Call(ew_async_waiting)
  states <- lapply(waiting, function(coroutine) .Call(ew_eval_state, coroutine))
  text <- function(f) vapply(states, f, "")
  made <- data.frame(
    label = text(coroutine_label),
    at = text(function(state) srcref_label(state$line)),
    waits = text(waiting_call),
    for_what = text(function(state) awaited_label(state$awaited)),
    seconds = as.numeric(Sys.time()) - vapply(states, `[[`, 0, "since")
  )
  made$task <- lapply(states, function(state) {
    if (is.environment(state$promise)) {
      new_channel(state$promise, stream_class)
    } else {
      state$promise
    }
  })
  class(made) <- c("elsewhere_tasks", "data.frame")
  made
}

waiting_call <- function(state) {
  if (is.null(state$site)) "" else shorten(state$site, 60L)
}

awaited_label <- function(awaited) {
  if (inherits(awaited, "async") && is_own_promise(awaited)) {
    owner <- .Call(ew_promise_state, awaited)$owner
    return(coroutine_label(.Call(ew_eval_state, owner)))
  }
  if (inherits(awaited, "elsewhere_promise")) return("promise")
  class(awaited)[[1L]]
}

#' @export
print.elsewhere_tasks <- function(x, ...) {
  shown <- as.data.frame(unclass(x)[setdiff(names(x), "task")])
  if (nrow(shown) > 0L) {
    shown$seconds <- round(shown$seconds, 2L)
    print(shown, ...)
  } else {
    cat("No tasks are waiting.\n")
  }
  invisible(x)
}

# For the evaluator: adds to the condition that ends a task where it happened.
# An error raised directly in a body has a call of the evaluator; it is replaced
# by the call of the async function, or by none.
eval_clean_condition <- function(condition, coroutine) {
  if (!is.list(condition) || !inherits(condition, "condition")) {
    return(condition)
  }
  state <- .Call(ew_eval_state, coroutine)
  if (is_evaluator_call(condition$call)) condition["call"] <- list(state$call)
  place <- srcref_label(if (is.null(state$failed)) state$line else state$failed)
  line <- paste0(
    if (nzchar(place)) paste0(place, ": "), coroutine_label(state)
  )
  condition$async_trace <- c(condition$async_trace, line)
  condition
}

is_evaluator_call <- function(call) {
  if (!is.call(call)) return(FALSE)
  if (length(call) == 1L) return(list(call) %in% shown_bodies)
  identical(call[[1L]], quote(withCallingHandlers)) &&
    identical(call[[2L]], quote(.Call(ew_async_run, coroutine)))
}

# A coroutine that was collected as garbage in the middle: nothing can wake it
# any more, but its `finally` and on.exit() code is due.
close_abandoned <- function(coroutine) {
  state <- .Call(ew_eval_state, coroutine)
  if (state$status != 2L) return()
  tryCatch(
    if (state$kind == body_kind[["gen"]]) {
      .Call(ew_gen_resume, coroutine, 4L, NULL)
    } else {
      if (!is.environment(state$promise)) {
        .Call(ew_promise_mark_handled, state$promise)
      }
      .Call(ew_async_raise, coroutine, cancelled_condition(
        "it waits for something that can never settle"
      ))
    },
    error = report_closing_error
  )
}
