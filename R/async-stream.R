#' Create a channel from sequential code
#'
#' `stream({...})` is to [channel()] what [gen()] is to an iterator: the code
#' may `await()` and `yield()`. `stream(function(...) ...)` creates a function
#' whose calls are such streams.
#'
#' @inheritParams async
#' @param lazy `TRUE` (the default): the code runs only when a value is
#'   requested. `FALSE`: it starts at once and runs ahead until 500 values are
#'   waiting.
#' @return A [channel()] of class
#'   `c("stream", "channel", "coroutine", "iteror", "iter")`.
#' @section Errors:
#' * `elsewhere_bad_argument`: an option is invalid.
#' @examples
#' count_to <- stream(function(n, interval = 0.01) {
#'   for (i in 1:n) {
#'     await(delay(interval))
#'     yield(i)
#'   }
#' })
#' accumulate <- stream(function(st, sum = 0) {
#'   for (i in st) {
#'     sum <- sum + i
#'     yield(sum)
#'   }
#' })
#' print_each <- async(function(st) for (i in st) print(i))
#' count_to(4) |> accumulate() |> print_each()
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
stream <- function(expr, ..., split_pipes = TRUE, lazy = TRUE, trace = NULL,
                   compileLevel = 0, debugR = FALSE, debugInternal = FALSE) {
  expr <- substitute(expr)
  env <- parent.frame()
  check_flag(lazy, "lazy")
  settings <- c(coroutine_settings(trace, debugR), lazy = lazy)
  if (is_function_expression(expr)) {
    return(coroutine_function(
      expr, env, "stream", split_pipes, settings, stream_call
    ))
  }
  parent <- sys.parent()
  coroutine <- block_coroutine(
    expr, env, "stream", split_pipes, settings, block_frame(env, parent)
  )
  new_stream(coroutine, lazy)
}

stream_call <- function(program, settings, frame, call, info) {
  force_arguments(frame)
  new_stream(
    new_coroutine(program, frame, "stream", settings, call, info), settings$lazy
  )
}

stream_class <- c("stream", "channel", "coroutine", "iteror", "iter")

new_stream <- function(coroutine, lazy) {
  state <- new_channel_state()
  state$coroutine <- coroutine
  state$lazy <- lazy
  state$at_yield <- TRUE
  state$wakeup <- function() stream_go_on(state)
  if (!lazy) state$taken <- state$wakeup
  .Call(ew_stream_bind, coroutine, state)
  if (!lazy) {
    state$at_yield <- FALSE
    .Call(ew_stream_start, coroutine)
  }
  new_channel(state, stream_class)
}

# Queues the next stretch of the code, once.
stream_go_on <- function(state) {
  if (!state$at_yield || state$closed) return()
  state$at_yield <- FALSE
  .Call(ew_async_queue, state$coroutine)
}

# The evaluator reports: a value was yielded, or the code has ended.
stream_event <- function(state, event, holder) {
  value <- holder[[1L]]
  switch(event,
    yield = {
      channel_emit(state, value)
      state$at_yield <- TRUE
      has_room <- state$queue$length < state$max_queue
      wanted <- state$listeners$length > 0L
      if (wanted || (!state$lazy && has_room)) stream_go_on(state)
    },
    close = channel_end(state),
    reject = channel_end(state, eval_clean_condition(value, state$coroutine))
  )
  NULL
}

#' Wait for the next value of a channel
#'
#' Use it in the body of [async()] or [stream()].
#'
#' @param strm A [channel()], stream or iterator.
#' @param or Evaluated and returned when there are no more values; may be
#'   `break` or `return(x)`. Without it, the end is an error "StopIteration".
#' @param err A function of the error that ended the channel.
#' @return The next value.
#' @section Errors:
#' * `elsewhere_await_outside`: `awaitNext()` was called outside of a task.
#' @examples
#' numbers <- stream(for (i in 1:3) yield(i))
#' async(repeat print(awaitNext(numbers, or = break)))
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
awaitNext <- function(strm, or, err) {
  abort(
    paste0(
      "`awaitNext(", shorten(substitute(strm)),
      ")` was called outside of a task. Use it in the body of async({...}) ",
      "or stream({...})."
    ),
    "elsewhere_await_outside"
  )
}

#' @rdname gen
#' @param it The source of the values: a generator, another iterator, a vector,
#'   or, in [stream()], a channel.
#' @param err Not used.
#' @return `yieldFrom()`: `NULL`, invisibly, when `it` has ended.
#' @export
yieldFrom <- function(it, err) {
  abort(
    paste0(
      "`yieldFrom(", shorten(substitute(it)),
      ")` was called outside of a generator. Use it in the body of ",
      "gen({...}) or stream({...})."
    ),
    "elsewhere_yield_outside"
  )
}
