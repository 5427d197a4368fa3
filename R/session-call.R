# How calls go to a session, and how one waits for them.

session_call <- function(private, func, args, package) {
  local_span(private, "r_session$call")
  if (private$state != "idle") abort_session_state(private$state)
  if (!is.function(func)) check_callable(func)
  if (!is.list(args)) abort_argument("args", "a list", args)
  func <- session_function(func, package)
  payload <- list(func, args, isTRUE(getOption("callr.traceback", FALSE)))
  session_send(private, payload)
}

session_send <- function(private, payload) {
  if (!.Call(ew_session_start, private$link, payload, TRUE)) {
    reference <- find_reference(payload[[2L]], "args", closures = "none")
    if (!is.null(reference)) {
      abort_cannot_travel(reference, home = c("callr_error", "rlib_error"))
    }
    # The environment of a function or a formula may hold anything; what is not
    # used does no harm.
    .Call(ew_session_start, private$link, payload, FALSE)
  }
  private$state <- "busy"
  private$running <- payload[[1L]]
  private$call_started_at <- Sys.time()
}

abort_session_state <- function(state) {
  text <- switch(state,
    starting = "R session not ready yet",
    finished = "R session finished",
    busy = "R session busy"
  )
  abort(
    text, c("elsewhere_session_state"),
    state = state, home = c("rlib_error_3_0", "rlib_error")
  )
}

check_callable <- function(func) {
  is_name <- is.character(func) && length(func) == 1L && !is.na(func)
  if (!is_name) abort_argument("func", "a function", func)
}

# The function as it travels: with the environment that `package` asks for, and
# without source references, which are larger than the function.
session_function <- function(func, package) {
  if (is.null(package)) package <- inherits(func, "crate")
  if (!is.function(func)) return(func)
  if (isFALSE(package)) {
    if (!is.primitive(func)) environment(func) <- .GlobalEnv
  } else if (is.character(package) && length(package) == 1L) {
    environment(func) <- asNamespace(package)
  } else if (!isTRUE(package)) {
    abort(
      "Invalid `package` value for callr function",
      "elsewhere_bad_argument", arg = "package", value = package
    )
  }
  if (is.null(attr(func, "srcref"))) return(func)
  keeps_source <- isTRUE(getOption("callr.keep.source", FALSE))
  if (keeps_source) func else .Call(ew_without_source, func)
}

# Nearly all calls are over in the first lines.
session_run <- function(self, private, func, args, package, timeout) {
  begun <- if (is.null(private$span)) {
    .Call(ew_session_run, private, func, args, package, timeout)
  }
  if (length(begun) == 1L) return(begun[[1L]])
  if (is.null(begun)) {
    timeout <- seconds_of(timeout)
    check_seconds(timeout, "timeout")
    session_call(private, func, args, package)
  }
  news <- session_await(self, private, timeout, begun)
  if (news[[1L]] == "result" && is.null(news[[2L]][[2L]])) {
    private$state <- "idle"
    note_read(local_span(private, "r_session$read"), 200L)
    outcome <- news[[2L]]
    if (!is.null(outcome[[3L]])) relay_warnings(outcome[[3L]])
    return(outcome[[1L]])
  }
  event <- session_event(self, private, news)
  if (is.null(event$error) && event$code == 200L) return(event$result)
  error <- event$error
  if (is.null(error)) error <- new_session_error(event$message)
  error <- with_output(error, event)
  throw_session_error(error, private$options$error)
}

session_run_with_output <- function(self, private, func, args, package,
                                    timeout) {
  timeout <- seconds_of(timeout)
  check_seconds(timeout, "timeout")
  session_call(private, func, args, package)
  session_event(self, private, session_await(self, private, timeout))
}

# The news that ends the call. Conditions on the way are signalled here. `news`
# is what has come already.
session_await <- function(self, private, timeout, news = NULL) {
  is_limited <- is.finite(timeout)
  if (is_limited) ends_at <- proc.time()[[3L]] + timeout
  left <- if (is_limited) ceiling(timeout * 1000) else -1
  repeat {
    if (is.null(news)) news <- wait_or_stop(self, private, left)
    if (is.null(news)) {
      session_stop_call(self, private)
      return(list("timeout", NULL))
    }
    switch(news[[1L]],
      event = relay_or_stop(self, private, news[[2L]]),
      interrupted = {
        session_stop_call(self, private)
        interrupt_here()
      },
      running = , synced = , incomplete = NULL,
      return(news)
    )
    news <- NULL
    if (is_limited) {
      left <- max(0, ceiling((ends_at - proc.time()[[3L]]) * 1000))
    }
  }
}

# Interrupts the call; a session that does not react is killed.
session_stop_call <- function(self, private) {
  self$interrupt()
  patience <- new_patience(1)
  while ((slice <- patience$slice()) > 0) {
    news <- .Call(ew_session_wait, private$link, ceiling(slice * 1000))
    patience$spent()
    if (is.null(news)) next
    if (news[[1L]] %in% c("event", "synced", "incomplete", "interrupted")) next
    session_event(self, private, news)
    return(invisible())
  }
  self$kill(grace = 0)
  invisible()
}

# A worker drops the interrupts that came before it read a task: they were meant
# for another one. So one for this task is sent when it has been read.
session_wait_until_read <- function(private) {
  if (private$state != "busy") return(invisible())
  holds_within(1, function() .Call(ew_session_is_read, private$link))
}

# Ctrl-C again, now that the session is left in order.
interrupt_here <- function() {
  condition <- structure(
    class = c("interrupt", "condition"), list(message = "", call = NULL)
  )
  signalCondition(condition)
  invokeRestart("abort")
}

# setTimeLimit() may leave the wait.
wait_or_stop <- function(self, private, milliseconds) {
  is_over <- FALSE
  on.exit(if (!is_over) session_stop_call(self, private))
  news <- .Call(ew_session_wait, private$link, milliseconds)
  is_over <- TRUE
  news
}

# A handler that leaves the wait, by an error, say, leaves no call behind that
# nobody waits for.
relay_or_stop <- function(self, private, message) {
  note_read(local_span(private, "r_session$read"), 301L)
  is_over <- FALSE
  on.exit(if (!is_over) session_stop_call(self, private))
  relay_message(message)
  is_over <- TRUE
}

relay_message <- function(message) {
  message$muffle <- "callr_r_session_muffle"
  withRestarts(
    {
      signalCondition(message)
      for (name in class(message)) {
        handler <- getOption(paste0("callr.condition_handler_", name))
        if (is.function(handler)) {
          # The option may be set for all sessions, by cli, say; the call does
          # not fail if the handler cannot show a message.
          tryCatch(handler(message), error = function(e) {
            # This only looks like a condition of cli: there is nothing to show.
            if (name == "cli_message" && !is.list(message$args)) return()
            warning(
              "The handler failed for a `", name, "` from a session: ",
              conditionMessage(e), call. = FALSE
            )
          })
          break
        }
      }
    },
    callr_r_session_muffle = function() NULL,
    muffleMessage = function() NULL
  )
}

relay_warnings <- function(warnings) {
  for (one in warnings) warning(one)
}

session_running_time <- function(private) {
  now <- as.numeric(Sys.time())
  current <- if (private$state == "busy") {
    now - as.numeric(private$call_started_at)
  } else {
    NA_real_
  }
  structure(
    c(total = now - as.numeric(private$started_at), current = current),
    class = "difftime", units = "secs"
  )
}

check_milliseconds <- function(value, arg) {
  if (!is_whole_number(value)) {
    abort_argument(
      arg, "one whole number of milliseconds (-1 waits forever)", value
    )
  }
}
