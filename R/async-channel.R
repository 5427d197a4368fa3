# A channel is a function with a state behind it: values that were emitted and
# nobody has taken yet (`queue`), and those who wait for one (`listeners`). At
# any time at least one of the two is empty.

#' Create a channel: values that arrive over time
#'
#' A channel is to a promise what an iterator is to a value: it delivers one
#' value after another, as they become available, until it is closed. [stream()]
#' creates a channel from sequential code;
#' `channel(function(emit, reject, close) ...)` creates one from callbacks.
#'
#' Take values with a `for` loop or [awaitNext()] in the body of [async()] or
#' [stream()], with callbacks ([nextThen()], [subscribe()]), or with
#' `nextOr(ch)`, which returns a promise of the next value.
#'
#' @param obj A function of three functions. `emit(value)` adds a value to the
#'   channel and returns a promise that is fulfilled when there is room for
#'   another; `reject(error)` ends the channel with an error; `close()` ends it.
#'   Or an iterator, a generator or a promise, to be converted into a channel.
#' @param ... For methods.
#' @param max_queue Maximum number of values that nobody has taken yet; one more
#'   `emit()` is an error. Default: 500.
#' @param max_awaiting Maximum number of requests that have no value yet; one
#'   more request is an error. Default: 500.
#' @param wakeup A function that is called when somebody waits for a value and
#'   the queue is empty.
#' @param x Any object.
#' @return `channel()`: a function of class `c("channel", "iteror", "iter")`.
#'   `is.channel()`: `TRUE` or `FALSE`.
#' @section Errors:
#' * `elsewhere_closed`, raised by `emit()`: the channel has ended.
#' * `elsewhere_too_large`: `max_queue` values, or `max_awaiting` requests, are
#'   already waiting.
#' @examples
#' numbers <- channel(function(emit, reject, close) {
#'   for (i in 1:3) emit(i)
#'   close()
#' })
#' async(for (number in numbers) print(number))
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
channel <- function(obj, ...) UseMethod("channel")

#' @rdname channel
#' @export
channel.function <- function(obj, ..., max_queue = 500L, max_awaiting = 500L,
                             wakeup = function(...) NULL) {
  state <- new_channel_state(max_queue, max_awaiting, wakeup)
  obj(
    function(value) channel_emit(state, value),
    function(error) channel_end(state, error),
    function() channel_end(state)
  )
  new_channel(state)
}

#' @export
channel.default <- function(obj, ...) {
  if (promises::is.promising(obj)) {
    return(stream({
      yield(await(obj))
    }))
  }
  stream(for (value in obj) yield(value))
}

#' @rdname channel
#' @export
is.channel <- function(x) inherits(x, "channel")

channel_class <- c("channel", "iteror", "iter")

new_channel <- function(state, class = channel_class) {
  scope <- new.env(parent = topenv())
  scope$state <- state
  made <- channel_function
  environment(made) <- scope
  class(made) <- class
  made
}

utils::globalVariables("state")
channel_function <- function(or) channel_promise(state, or)

# NULL for what another package calls a channel.
channel_state <- function(x) {
  if (is.function(x)) get0("state", environment(x), "environment", FALSE)
}

new_channel_state <- function(max_queue = 500L, max_awaiting = 500L,
                              wakeup = function(...) NULL) {
  state <- new.env(parent = emptyenv())
  state$queue <- new_fifo()
  state$listeners <- new_fifo()
  state$room <- NULL
  state$closed <- FALSE
  state$max_queue <- max_queue
  state$max_awaiting <- max_awaiting
  state$wakeup <- wakeup
  state
}

# A queue with constant cost at both ends: cells of a linked list.
new_fifo <- function() {
  fifo <- new.env(parent = emptyenv())
  fifo$length <- 0L
  fifo
}

fifo_push <- function(fifo, value) {
  cell <- new.env(parent = emptyenv(), hash = FALSE)
  cell$value <- value
  if (fifo$length == 0L) fifo$first <- cell else fifo$last$after <- cell
  fifo$last <- cell
  fifo$length <- fifo$length + 1L
}

fifo_pop <- function(fifo) {
  cell <- fifo$first
  fifo$length <- fifo$length - 1L
  if (fifo$length == 0L) {
    fifo$first <- fifo$last <- NULL
  } else {
    fifo$first <- cell$after
  }
  cell$value
}

# A listener is a list of three functions (on_next, on_error, on_close), or a
# promise of ours that is to get the item.
tell_listener <- function(listener, event, value) {
  if (inherits(listener, "elsewhere_promise")) {
    switch(event,
      next_value = .Call(ew_promise_resolve, listener, list(value), TRUE),
      error = .Call(ew_promise_reject, listener, value),
      close = .Call(ew_promise_resolve, listener, no_item$pointer, TRUE)
    )
  } else {
    callback <- switch(event,
      next_value = function() listener$on_next(value),
      error = function() listener$on_error(value),
      close = function() listener$on_close()
    )
    later::later(callback)
  }
}

channel_emit <- function(state, value) {
  if (state$closed) {
    abort("The channel is closed: emit() is not possible.", "elsewhere_closed")
  }
  if (state$listeners$length > 0L) {
    tell_listener(fifo_pop(state$listeners), "next_value", value)
    if (state$listeners$length > 0L) state$wakeup()
  } else if (state$queue$length >= state$max_queue) {
    abort(
      paste0(
        "Outgoing queue is full! ", state$max_queue, " values are waiting to ",
        "be taken. Await the promise that `emit()` returns before the next ",
        "`emit()`, or raise `max_queue`."
      ),
      "elsewhere_too_large"
    )
  } else {
    fifo_push(state$queue, list(value))
  }
  invisible(channel_room(state))
}

# A promise that is fulfilled when another value may be emitted.
channel_room <- function(state) {
  if (state$queue$length < state$max_queue) return(fulfilled_promise())
  if (is.null(state$room)) state$room <- pending_promise()
  state$room
}

fulfilled_promise <- function() {
  promise <- pending_promise()
  .Call(ew_promise_resolve, promise, NULL, FALSE)
  promise
}

channel_end <- function(state, error = NULL) {
  if (state$closed) return(invisible())
  state$closed <- TRUE
  if (is.character(error)) error <- simpleError(error)
  if (!is.null(error)) {
    if (state$listeners$length > 0L) {
      tell_listener(fifo_pop(state$listeners), "error", error)
    } else {
      state$error <- error
    }
    state$failure <- error
  }
  while (state$listeners$length > 0L) {
    tell_listener(fifo_pop(state$listeners), "close", NULL)
  }
  invisible()
}

# One request: answered now if it can be, queued otherwise.
channel_request <- function(state, listener) {
  if (state$queue$length > 0L) {
    tell_listener(listener, "next_value", channel_pop(state))
  } else if (state$closed) {
    channel_answer_end(state, listener)
  } else {
    channel_wait(state, listener)
  }
}

channel_pop <- function(state) {
  value <- fifo_pop(state$queue)[[1L]]
  if (!is.null(state$room)) {
    .Call(ew_promise_resolve, state$room, NULL, FALSE)
    state$room <- NULL
  }
  if (state$queue$length == 0L && !is.null(state$taken)) state$taken()
  value
}

channel_answer_end <- function(state, listener) {
  error <- state$error
  state$error <- NULL
  if (is.null(error)) {
    tell_listener(listener, "close", NULL)
  } else {
    tell_listener(listener, "error", error)
  }
}

channel_wait <- function(state, listener) {
  if (state$listeners$length >= state$max_awaiting) {
    abort(
      paste0(
        "The channel has ", state$max_awaiting, " unanswered requests. ",
        "Await one before you make the next, or raise `max_awaiting`."
      ),
      "elsewhere_too_large"
    )
  }
  fifo_push(state$listeners, listener)
  state$wakeup()
}

# For `for` and awaitNext(): the next item in a list, the pointer `no_item` at
# the end, or a promise of one of them.
channel_item <- function(state) {
  if (state$queue$length > 0L) return(list(channel_pop(state)))
  if (state$closed && is.null(state$error)) return(no_item$pointer)
  promise <- pending_promise()
  channel_request(state, promise)
  promise
}

channel_promise <- function(state, or) {
  force_or <- if (missing(or)) {
    function() stop("StopIteration", call. = FALSE)
  } else {
    function() or
  }
  item <- channel_item(state)
  new_promise(function(resolve, reject) {
    open <- function(item) {
      if (is.list(item)) resolve(item[[1L]]) else resolve(force_or())
    }
    if (!inherits(item, "promise")) return(open(item))
    promise_when_settled(item, function(fulfilled, value) {
      if (fulfilled) open(value) else reject(value)
    })
  })
}

#' @export
nextOr.channel <- function(obj, or, ...) obj(or)

#' Take values from a channel with callbacks
#'
#' `nextThen()` asks for one value, `subscribe()` for all values that arrive.
#'
#' @param x A [channel()].
#' @param onNext A function of one value.
#' @param onError A function of a condition, called if the channel ends with an
#'   error.
#' @param onClose A function without arguments, called when the channel closes.
#' @param ... Not used.
#' @return `NULL`, invisibly.
#' @examples
#' subscribe(stream(for (i in 1:3) yield(i)), print)
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
nextThen <- function(x, onNext, onError, onClose, ...) UseMethod("nextThen")

#' @export
nextThen.channel <- function(x, onNext,
                             onError = function(error) NULL,
                             onClose = function() NULL, ...) {
  channel_request(
    channel_state(x),
    lapply(
      list(on_next = onNext, on_error = onError, on_close = onClose),
      in_this_context
    )
  )
  invisible()
}

#' @rdname nextThen
#' @export
subscribe <- function(x, onNext, onError, onClose, ...) UseMethod("subscribe")

#' @export
subscribe.channel <- function(x, onNext,
                              onError = function(error) NULL,
                              onClose = function() NULL, ...) {
  ask <- function() {
    nextThen(
      x,
      function(value) {
        onNext(value)
        ask()
      },
      onError, onClose
    )
  }
  ask()
}

#' @export
format.channel <- function(x, ...) {
  state <- channel_state(x)
  if (is.null(state)) return(NextMethod())
  sprintf(
    "<Channel [%s, %d awaiting, %d sent]>",
    if (state$closed) "closed" else "open",
    state$listeners$length, state$queue$length
  )
}

#' @export
print.channel <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
channel.channel <- function(obj, ...) obj
