# What comes from a session becomes an event, and the session's state with it.

session_read <- function(self, private) {
  if (!is.null(private$ending)) return(private$ending)
  news <- .Call(ew_session_take, private$link)
  if (is.null(news)) {
    note_read(local_span(private, "r_session$read"), NULL)
    return(NULL)
  }
  session_event(self, private, news)
}

# Something is here that polling the descriptor does not show.
session_has_news <- function(private) {
  is.null(private$ending) && .Call(ew_session_is_waiting, private$link)
}

session_event <- function(self, private, news) {
  span <- local_span(private, "r_session$read")
  event <- make_event(self, private, news)
  note_read(span, event$code)
  if (!is.null(private$on_event)) private$on_event(event)
  event
}

make_event <- function(self, private, news) {
  value <- news[[2L]]
  switch(news[[1L]],
    ready = {
      private$state <- "idle"
      session_identify(private, value$pid)
      private$temporary_directories <- union(
        private$temporary_directories, value$temporary_directory
      )
      session_result(201L, "ready to go")
    },
    event = session_result(message_code(value), value),
    result = ,
    failed = ,
    unreadable = ,
    aborted = ,
    timeout = session_done(private, news[[1L]], value),
    synced = ,
    incomplete = {
      if (private$state == "busy") private$state <- "idle"
      session_result(202L, "done")
    },
    # The process is about to end by itself, and that is the event.
    "start failed" = session_ended(self, private),
    closed = session_ended(self, private)
  )
}

session_result <- function(code, message, ...) {
  structure(
    list(code = code, message = message, ...), class = "callr_session_result"
  )
}

message_code <- function(message) {
  code <- message$code
  if (!identical(as.character(code), "301")) {
    abort(
      paste0("Unknown message code: `", paste(code, collapse = " "), "`"),
      "elsewhere_protocol_error", home = c("rlib_error_3_0", "rlib_error")
    )
  }
  301L
}

session_done <- function(private, kind, value) {
  if (private$state != "finished") private$state <- "idle"
  stdout <- session_printed(private, 0L)
  stderr <- session_printed(private, 1L)
  result <- NULL
  error <- NULL
  # An error has texts, also where the output went elsewhere.
  said <- lapply(list(stdout, stderr), paste, collapse = "")
  switch(kind,
    result = {
      result <- value[[1L]]
      if (!is.null(value[[2L]])) {
        error <- error_from_failure(value[[2L]], said[[1L]], said[[2L]])
      }
    },
    failed = error <- error_from_failure(
      list(kind = "error", condition = simpleError(trimws(value))),
      said[[1L]], said[[2L]]
    ),
    unreadable = error <- unreadable_result(value, said[[1L]], said[[2L]]),
    timeout = error <- new_session_error(
      "callr timed out", class = "callr_timeout_error",
      stdout = said[[1L]], stderr = said[[2L]]
    )
  )
  done <- session_result(
    200L, paste0("done ", new_result_name()),
    result = result, stdout = stdout, stderr = stderr, error = error
  )
  if (kind == "result" && !is.null(value[[3L]])) done$warnings <- value[[3L]]
  done
}

# The call was over, and its result is here, but not as a value of R.
unreadable_result <- function(why, stdout, stderr) {
  new_session_error(
    paste0("the result is too large for this process: ", why),
    class = c("elsewhere_unreadable_result", "elsewhere_error"),
    stdout = stdout, stderr = stderr
  )
}

result_names <- new.env(parent = emptyenv())
result_names$last <- 0

new_result_name <- function() {
  result_names$last <- result_names$last + 1
  sprintf("callr-rs-result-%x%06.0f", Sys.getpid(), result_names$last)
}

# What the session has printed in its present or last call; NULL when it went
# elsewhere.
session_printed <- function(private, stream) {
  if (!private$keeps[[stream + 1L]]) return(NULL)
  bytes <- .Call(ew_session_printed, private$link, stream)
  if (length(bytes) == 0L) return("")
  bytes_to_text(bytes, private$options$extra$encoding)
}

bytes_to_text <- function(bytes, encoding = NULL) {
  text <- rawToChar(bytes[bytes != as.raw(0L)])
  if (is.null(encoding) || !nzchar(encoding) || encoding == "binary") {
    encoding <- "UTF-8"
  }
  if (encoding == "UTF-8" && validUTF8(text)) {
    Encoding(text) <- "UTF-8"
    return(text)
  }
  iconv(text, encoding, "UTF-8", sub = "byte")
}

# The channel is closed. How the process ended decides what the event is, so it
# gets a moment to do so.
session_ended <- function(self, private) {
  session_identify(private)
  was_busy <- private$state == "busy"
  session_ends_within(new_patience(1), self, private)
  status <- self$get_exit_status()
  stdout <- last_output(self, private, 0L, was_busy)
  stderr <- last_output(self, private, 1L, was_busy)
  if (is.null(status)) {
    code <- 502L
    text <- "R session closed the process connection, killed"
    self$kill(grace = 0, close_connections = FALSE)
  } else if (identical(status, 0L)) {
    code <- 500L
    text <- "R session finished cleanly"
  } else {
    code <- 501L
    text <- paste0("R session crashed with exit code ", status)
  }
  private$state <- "finished"
  self$cleanup()
  error <- if (code != 500L) {
    new_session_error(
      text, class = c("elsewhere_worker_died", "elsewhere_error"),
      status = status, stdout = stdout, stderr = stderr,
      signal = if (!is.null(status) && status < 0L) -status,
      running = if (was_busy) private$running
    )
  }
  private$ending <- session_result(
    code, text,
    result = NULL, stdout = stdout, stderr = stderr, error = error
  )
  .Call(ew_session_close, private$link)
  private$ending
}

# What the call had printed, and what is left in the pipe.
last_output <- function(self, private, stream, was_busy) {
  kept <- if (was_busy) session_printed(private, stream)
  has_pipe <- if (stream == 0L) {
    self$has_output_connection()
  } else {
    self$has_error_connection()
  }
  read <- if (stream == 0L) self$read_output else self$read_error
  left <- character()
  while (has_pipe && length(left) < 1000L) {
    piece <- tryCatch(read(), error = function(e) "")
    if (is.raw(piece)) piece <- bytes_to_text(piece)
    if (!nzchar(piece)) break
    left <- c(left, piece)
  }
  paste(c(kept, left), collapse = "")
}

# Our child is the session, or its stand-in.
session_ends_within <- function(limit, self, private) {
  pid <- if (is.null(private$stand_in)) self$get_pid() else private$stand_in
  ends_within(limit, self, pid)
}

session_close <- function(self, private, grace, is_given) {
  check_milliseconds(grace, "grace")
  if (is.null(private$link)) return(invisible())
  local_span(private, "r_session$close")
  session_identify(private)
  if (self$has_input_connection()) {
    tryCatch(close(self$get_input_connection()), error = function(e) NULL)
  }
  if (self$is_alive()) {
    limit <- new_limit(grace / 1000, is_given)
    if (!session_ends_within(limit, self, private)) {
      self$kill(grace = 0, close_connections = FALSE)
      if (!session_ends_within(new_patience(1), self, private)) {
        abort("Could not kill background R session", "elsewhere_system_error")
      }
    }
  }
  private$state <- "finished"
  self$cleanup()
  close_streams(self)
  session_let_go(private)
  end_life_span(private)
  invisible()
}

close_streams <- function(process) {
  for (name in c("input", "output", "error", "poll")) {
    if (!process[[paste0("has_", name, "_connection")]]()) next
    close(process[[paste0("get_", name, "_connection")]]())
  }
}

session_let_go <- function(private) {
  if (is.null(private$ending)) {
    private$ending <- session_result(
      500L, "R session finished cleanly",
      result = NULL, stdout = "", stderr = "", error = NULL
    )
  }
  .Call(ew_session_close, private$link)
  if (!is.null(private$on_event)) private$on_event(private$ending)
}

session_cleanup <- function(private) {
  unlink(private$files)
  private$files <- character()
  if (private$state == "finished" && length(private$temporary_directories)) {
    # A process that lives may make it again, or another one elsewhere.
    .Call(ew_session_wait_gone, private$link)
    # A session that ends in order has deleted its directory itself.
    unlink(private$temporary_directories, recursive = TRUE)
    private$temporary_directories <- character()
  }
  invisible()
}

session_finalize <- function(self, private) {
  is_owner <- identical(private$owner, Sys.getpid()) &&
    identical(private$original[[1L]], self)
  if (!is_owner) return(invisible())
  # There are several finalizers: see R6, and $restart().
  private$original <- NULL
  end_life_span(private, event = "finalizer")
  tryCatch(
    {
      session_identify(private)
      if (isTRUE(private$options$extra$cleanup_tree)) {
        self$kill_tree(close_connections = FALSE)
      }
      # processx may have collected its handle, and killed the process, before;
      # and its connections, which close themselves: freed, they are no argument
      # for anything.
      self$kill(grace = 0, close_connections = FALSE)
    },
    error = function(e) NULL
  )
  private$state <- "finished"
  self$cleanup()
}
