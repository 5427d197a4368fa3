# How coroutines show themselves: states, print(), summary().

#' Get the state of a generator, task or stream
#'
#' @param object What [gen()], [async()] or [stream()] returned.
#' @param ... Not used.
#' @return A list of class `summaryCoroutine`:
#' * `code`: the expression.
#' * `state`: one string. For a generator, `"yielded"` (also before it starts),
#'   `"running"`, `"finished"` or `"stopped"` (by an error). For a task,
#'   `"pending"`, `"running"`, `"resolved"` or `"rejected"`. For a stream,
#'   `"yielded"`, `"woken"`, `"running"`, `"pending"` (it is waiting in an
#'   `await()`), `"resolved"` or `"rejected"`.
#' * `cont`: where it is in the source (`"file.R#12"`, `""` without source
#'   references).
#' * `awaits`: the call in which it waits, or `NULL`.
#' * `err`: the condition that stopped or rejected it, or `NULL`. For a
#'   generator it is also `NULL` if its error was caught by other means than
#'   [tryCatch()] or [try()].
#' * `targetEnv`: its environment; the empty environment once it has ended.
#' * `debug`: `TRUE` or `FALSE`, see [debugAsync()].
#'
#' For a [channel()], a plain list: `state`, `"open"` or `"closed"`; `awaiting`,
#' the number of requests that wait for a value; `sent`, the number of values
#' that nobody has taken yet; `err`.
#' @examples
#' letters_of <- gen(for (letter in letters) yield(letter))
#' nextOr(letters_of)
#' summary(letters_of)$state
#' @name summary.coroutine
NULL

#' @rdname summary.coroutine
#' @export
summary.generator <- function(object, ...) {
  if (!is_own_generator(object)) return(NextMethod())
  state <- .Call(ew_eval_state, environment(object)$coroutine)
  new_summary(state, generator_state(state), generator_error(state))
}

#' @rdname summary.coroutine
#' @export
summary.async <- function(object, ...) {
  if (!is_own_promise(object)) return(NextMethod())
  promise <- .Call(ew_promise_state, object)
  state <- .Call(ew_eval_state, promise$owner)
  name <- c("pending", "resolved", "rejected")[[promise$status]]
  if (name == "pending" && state$status == 1L) name <- "running"
  new_summary(state, name, if (name == "rejected") promise$value)
}

#' @rdname summary.coroutine
#' @export
summary.stream <- function(object, ...) {
  channel <- channel_state(object)
  if (is.null(channel)) return(NextMethod())
  state <- .Call(ew_eval_state, channel$coroutine)
  new_summary(state, stream_state(channel, state), channel$failure)
}

#' @rdname summary.coroutine
#' @export
summary.channel <- function(object, ...) {
  channel <- channel_state(object)
  if (is.null(channel)) return(NextMethod())
  list(
    state = if (channel$closed) "closed" else "open",
    awaiting = channel$listeners$length, sent = channel$queue$length,
    err = channel$failure
  )
}

new_summary <- function(state, name, err) {
  structure(
    list(
      code = state$source, state = name, err = err,
      cont = srcref_label(state$line), awaits = state$site,
      targetEnv = state$env, debug = state$debug
    ),
    class = "summaryCoroutine"
  )
}

generator_state <- function(state) {
  c("yielded", "running", "yielded", "finished", "stopped")[[state$status + 1L]]
}

# What stopped it, as far as R has told us; NULL if it has not stopped.
generator_error <- function(state) {
  if (state$status == 4L) state$result
}

# `status` is a Phase of the machine: fresh, running, paused, done, failed.
stream_state <- function(channel, state) {
  switch(state$status + 1L,
    if (channel$at_yield) "yielded" else "woken",
    "running",
    if (state$pause != 2L) {
      "pending"
    } else if (channel$at_yield) {
      "yielded"
    } else {
      "woken"
    },
    "resolved",
    "rejected"
  )
}

coroutine_code <- function(kind, source) {
  paste0(kind, "(", paste(deparse(source), collapse = "\n"), ")")
}

state_line <- function(kind, name, state) {
  place <- srcref_label(state$line)
  paste0(
    "<", kind, " [", name,
    if (name == "pending" && !is.null(state$site)) {
      paste0(" in `", shorten(state$site), "`")
    },
    if (nzchar(place)) paste0(" at ", place),
    "]>"
  )
}

#' @export
format.generator <- function(x, ...) {
  if (!is_own_generator(x)) return(NextMethod())
  or_of_other_process(format_generator(x), "Generator")
}

format_generator <- function(x) {
  state <- .Call(ew_eval_state, environment(x)$coroutine)
  name <- generator_state(state)
  error <- generator_error(state)
  if (!is.null(error)) name <- paste0(name, ": ", reason_line(error))
  c(coroutine_code("gen", state$source), state_line("Generator", name, state))
}

#' @export
print.generator <- function(x, ...) {
  if (!is_own_generator(x)) return(NextMethod())
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.async <- function(x, ...) {
  if (is_own_promise(x)) format.elsewhere_promise(x, ...) else NextMethod()
}

#' @export
print.async <- function(x, ...) {
  if (!is_own_promise(x)) return(NextMethod())
  cat(or_of_other_process(c(describe_task(x), format(x)), "async"), sep = "\n")
  invisible(x)
}

describe_task <- function(x) {
  summary <- summary(x)
  state <- .Call(ew_eval_state, .Call(ew_promise_state, x)$owner)
  name <- summary$state
  if (!is.null(summary$err)) {
    name <- paste0(name, ": ", reason_line(summary$err))
  }
  c(coroutine_code("async", summary$code), state_line("async", name, state))
}

reason_line <- function(reason) {
  text <- if (inherits(reason, "condition")) {
    conditionMessage(reason)
  } else {
    paste(format(reason), collapse = " ")
  }
  strsplit(paste(text, collapse = " "), "\n", fixed = TRUE)[[1L]][1L]
}

#' @export
format.stream <- function(x, ...) {
  channel <- channel_state(x)
  if (is.null(channel)) return(NextMethod())
  c(or_of_other_process(describe_stream(channel), "stream"), NextMethod())
}

describe_stream <- function(channel) {
  state <- .Call(ew_eval_state, channel$coroutine)
  name <- stream_state(channel, state)
  if (!is.null(channel$failure)) {
    name <- paste0(
      name, ": ", class(channel$failure)[[1L]], ": ",
      reason_line(channel$failure)
    )
  }
  c(coroutine_code("stream", state$source), state_line("stream", name, state))
}
