# A process that runs one function and ends. The fields and functions are those
# of a session that takes one call and says nothing before its result.
r_process <- R6::R6Class(
  "r_process",
  inherit = processx::process,
  public = list(
    initialize = function(options) {
      r_process_start(self, private, super, options)
    },
    get_result = function() process_result(self),
    get_pid = function() session_pid(private, super$get_pid()),
    signal = function(signal, ...) {
      session_signal(private, super, signal, ...)
    },
    interrupt = function(...) {
      is_sent <- session_signal_fork(private, 2L, isTRUE(list(...)$group))
      if (is.null(is_sent)) super$interrupt(...) else is_sent
    },
    cleanup = function() session_cleanup(private),
    kill_tree = function(grace = 0.1, close_connections = TRUE) {
      session_kill_tree(self, private, super, grace, close_connections)
    },
    kill = function(grace = 0.1, close_connections = TRUE) {
      killed <- session_kill(
        self, private, super, grace, close_connections, !missing(grace)
      )
      private$state <- "finished"
      end_life_span(private)
      self$cleanup()
      killed
    }
  ),
  private = c(session_fields(), list(
    outcome = NULL,
    finalize = function() session_finalize(self, private)
  ))
)

r_process_start <- function(self, private, super, options) {
  if (!is.function(options$func)) check_callable(options$func)
  if (!is.list(options$args)) abort_argument("args", "a list", options$args)
  check_flag(options$poll_connection, "poll_connection")
  func <- session_function(options$func, options$package)
  settings <- r_session_options(
    libpath = options$libpath, repos = options$repos, error = options$error,
    cmdargs = options$cmdargs, system_profile = options$system_profile,
    user_profile = options$user_profile, env = options$env,
    supervise = options$supervise, arch = options$arch, extra = options$extra
  )
  settings["stdout"] <- list(options$stdout)
  # Opened twice, one would write over the other.
  is_same_file <- is.character(options$stdout) &&
    !options$stdout %in% c("", "|") &&
    identical(options$stdout, options$stderr)
  settings["stderr"] <- list(if (is_same_file) "2>&1" else options$stderr)
  settings <- check_session_options(run_session_hooks(settings))
  # r() has one of its own.
  if (!is.null(options$span)) {
    settings <- with_life_span(private, settings, options$span)
  }
  session_launch(self, private, super, settings, list(
    stdin = NULL, stdout = settings$stdout, stderr = settings$stderr
  ))
  if (!options$poll_connection) {
    close(self$get_poll_connection())
    processx_polls(private, NULL)
  }
  .Call(ew_session_set_up, private$link, list(
    functions = shipped$session, load_hook = NULL, error = settings$error,
    output = c("", ""), runs_once = TRUE
  ))
  keeps_frames <- isTRUE(getOption("callr.traceback", FALSE))
  private$state <- "idle"
  session_send(private, list(func, options$args, keeps_frames))
  .Call(ew_session_wait_sent, private$link)
}

# `output` is what the process has printed, where that was read.
process_result <- function(process, output = list(NULL, NULL)) {
  private <- process$.__enclos_env__$private
  # poll() is ready when the result is, a moment before the process ends by
  # itself.
  if (process$is_alive() && has_outcome(private, 0)) {
    session_ends_within(new_patience(1), process, private)
  }
  if (process$is_alive()) {
    is_done <- list(done = FALSE)
    if (!is.null(private$span)) private$span$add_event("get_result", is_done)
    abort(
      paste0(
        "Still alive: the result is available once the process has ended. ",
        "Use `$wait()` first."
      ),
      "elsewhere_still_running", home = c("rlib_error_3_0", "rlib_error")
    )
  }
  if (is.null(private$outcome)) {
    session_identify(private)
    if (!has_outcome(private, 1000)) {
      private$outcome <- list(kind = "closed", value = NULL)
    }
    .Call(ew_session_close, private$link)
    private$state <- "finished"
    process$cleanup()
  }
  news <- private$outcome
  on.exit(end_life_span(private, "ok"))
  if (news$kind == "result" && is.null(news$value[[2L]])) {
    return(news$value[[1L]])
  }
  # Left by a jump, or by quit().
  has_quit <- news$kind == "closed" &&
    identical(process$get_exit_status(), 0L)
  if (news$kind == "aborted" || has_quit) return(NULL)
  for (i in 1:2) {
    # An error is shown with its output.
    if (is.null(output[[i]])) output[i] <- list(rest_of_output(process, i))
  }
  error <- switch(news$kind,
    result = error_from_failure(news$value[[2L]], output[[1L]], output[[2L]]),
    unreadable = unreadable_result(news$value, output[[1L]], output[[2L]]),
    failed = error_from_failure(
      list(kind = "error", condition = simpleError(trimws(news$value))),
      output[[1L]], output[[2L]]
    ),
    new_session_error(
      paste(
        "callr subprocess failed: could not start R, exited with non-zero",
        "status, has crashed or was killed"
      ),
      stdout = output[[1L]], stderr = output[[2L]]
    )
  )
  error["status"] <- list(process$get_exit_status())
  end_life_span(private, "error", error = error)
  throw_session_error(error, private$options$error)
}

# Whether all is there that will come; then it is in `outcome`.
has_outcome <- function(private, milliseconds) {
  while (is.null(private$outcome)) {
    news <- .Call(ew_session_wait, private$link, milliseconds)
    if (is.null(news)) return(FALSE)
    kind <- news[[1L]]
    if (kind == "interrupted") interrupt_here()
    if (kind %in% c("event", "ready")) next
    private$outcome <- list(kind = kind, value = news[[2L]])
  }
  TRUE
}

rest_of_output <- function(process, stream) {
  read <- if (stream == 1L) process$read_output else process$read_error
  pieces <- character()
  repeat {
    piece <- tryCatch(read(), error = function(e) "")
    if (is.raw(piece)) piece <- bytes_to_text(piece)
    if (!nzchar(piece)) break
    pieces <- c(pieces, piece)
  }
  paste(pieces, collapse = "")
}

# Public, because callr's class shows it; see r_session.
r_process$public_methods$finalize <- function() {
  session_finalize(self, private)
}
