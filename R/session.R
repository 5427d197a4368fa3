#' A persistent R session in the background
#'
#' A persistent R process in the background. It keeps its packages, variables
#' and options from one call to the next. The class extends [processx::process]:
#' the methods of that class work, and [processx::poll()] accepts sessions.
#'
#' A session never outlives this process: when this process ends, for any
#' reason, the session and everything it has started are gone within a second.
#'
#' @param func A function, or one string: the name of a function that exists in
#'   the session. Its environment becomes the global environment of the session,
#'   unless `package` says otherwise.
#' @param args A list: the arguments of the function, named or unnamed. The
#'   default is an empty list.
#' @param package `NULL` (the default) or `FALSE`: the function runs in the
#'   global environment of the session. `TRUE`: the function keeps its
#'   environment. One string: it runs in the namespace of that package.
#' @param timeout For `$run()` and `$run_with_output()` one number of seconds or
#'   a difftime, by default `Inf`: a call that takes longer is interrupted, and
#'   raises an error of class `callr_timeout_error`. For `$poll_process()` one
#'   whole number of milliseconds; -1 waits forever.
#' @param wait_timeout One number: how many milliseconds to wait for the session
#'   to start. The default is option `elsewhere.wait_timeout`, or 3000. The
#'   limit is extended on a machine that is too busy to start R.
#' @param grace How long the process may take to end before it is killed: for
#'   `$close()` one number of milliseconds, by default 1000; for `$kill()` and
#'   `$kill_tree()` one number of seconds, by default 0.1.
#' @param close_connections One logical, by default `TRUE`: also close the pipes
#'   of the process?
#' @param signal One integer, see [tools::SIGINT].
#' @param ... For `$signal()` and `$interrupt()`: passed to the method of
#'   [processx::process]. Not used by `$print()`.
#'
#' @section Events:
#' `$read()` returns `NULL` if there is no event. Otherwise it returns a list of
#' class `callr_session_result` with `code` (one integer) and `message` (one
#' string):
#' * 200: a call has finished. Further fields are `result` (the value, or
#'   `NULL`), `stdout` and `stderr` (one string each, or `NULL` if the output
#'   goes elsewhere), `error` (a condition, or `NULL`) and, if there were any,
#'   `warnings`, a list of the first 50 conditions.
#' * 201: the session has started.
#' * 202: a line typed in `$attach()` has run.
#' * 301: the session signalled a condition of class `callr_message`; `message`
#'   is the condition.
#' * 500, 501, 502: the session has quit with status 0; has crashed or quit with
#'   another status; or has closed its channel and was killed. The fields are
#'   those of 200. This is the last event, and every further `$read()` returns
#'   it again.
#'
#' An event changes the state that `$get_state()` returns: to `"idle"` at 200,
#' 201 and 202, to `"finished"` at 500 and above. `$close()` and `$kill()`
#' change it, too.
#'
#' @section Conditions:
#' While `$run()` and `$run_with_output()` wait, conditions of class
#' `callr_message` from the session are signalled here. A handler may invoke the
#' restart `callr_r_session_muffle` or `muffleMessage`; the condition then
#' reaches no other handler. If no handler does so, the function in option
#' `callr.condition_handler_<class>` is called with the condition, for the first
#' of its classes that has such an option. Warnings of the call are raised here
#' when the call is over.
#'
#' @section Telemetry:
#' If the package otel is installed and an exporter is set up (see
#' [otel::is_tracing_enabled()]), sessions create the same OpenTelemetry spans
#' as callr, with the tracer `org.r-lib.callr`: `callr::r_session` for the life
#' of a session, and below it `r_session$initialize() wait`, `r_session$call`,
#' `r_session$read`, `r_session$close` and, in the process of the session,
#' `callr subprocess`, which records errors. Whether spans are created is
#' decided when a session starts.
#'
#' @section Errors:
#' * `callr_status_error`, `callr_error`: the call failed. The condition from
#'   the session is in `$parent`, its calls are in `$parent_trace`, its output
#'   in `$stdout` and `$stderr`. From `$new()`: the session ended while it was
#'   starting.
#' * `elsewhere_worker_died`, `callr_error`: the session ended during the call.
#'   Fields: `$status` (the exit status), `$signal` (the signal that killed it,
#'   or `NULL`), and `$running` (the function it was running).
#' * `callr_timeout_error`, `callr_error`: the call was interrupted, or exceeded
#'   its time limit.
#' * `elsewhere_unreadable_result`, `callr_error`: this process did not have
#'   enough memory for the result. The session can still be used.
#' * `elsewhere_session_state`, `rlib_error`: the session is not idle; `$state`
#'   is its state.
#' * `elsewhere_worker_start`, `rlib_error`: the session did not start within
#'   `wait_timeout` and was killed, or no R executable was found.
#' * `elsewhere_cannot_travel`, `callr_error`: an argument cannot be used in
#'   another process, such as a connection or an external pointer. `$path` says
#'   where it is (`args[[1]]$con`), `$reference_class` what it is, and
#'   `$holder_class`, if it is part of an object, the class of that object.
#' * `elsewhere_no_traceback`, `rlib_error`: `$traceback()` or `$debug()` was
#'   called, but no error was recorded.
#' * `elsewhere_protocol_error`, `rlib_error`: `$read()` got a condition whose
#'   `code` is not 301.
#' * `elsewhere_bad_argument`: an argument has the wrong type.
#' @examples
#' rs <- r_session$new()
#' rs$run(function(x) x + 1, list(41))
#' rs$call(function() Sys.getpid())
#' rs$poll_process(2000)
#' rs$read()$result == rs$get_pid()
#' rs$close()
#' @export
r_session <- R6::R6Class(
  "r_session",
  inherit = processx::process,
  public = list(
    #' @field status Named list of the integer codes of events: `DONE`,
    #'   `STARTED`, `ATTACH_DONE`, `MSG`, `EXITED`, `CRASHED`, `CLOSED`.
    status = list(
      DONE = 200L, STARTED = 201L, ATTACH_DONE = 202L, MSG = 301L,
      EXITED = 500L, CRASHED = 501L, CLOSED = 502L
    ),

    #' @description Start a session.
    #' @param options A list of options, see [r_session_options()]. Options that
    #'   are not in the list have their default value.
    #' @param wait One logical: wait until the session is ready? The default is
    #'   `TRUE`. With `FALSE`, event 201 tells when the session is ready.
    #' @return A session, an object of class `r_session`.
    initialize = function(options = r_session_options(), wait = TRUE,
                          wait_timeout = default_wait_timeout()) {
      session_start(
        self, private, super, options, wait, wait_timeout,
        !missing(wait_timeout)
      )
    },

    #' @description Run a function in the session and wait for its value.
    #' @return The value of the function.
    run = function(func, args = list(), package = NULL, timeout = Inf) {
      session_run(self, private, func, args, package, timeout)
    },

    #' @description Run a function in the session, wait for it, and return the
    #'   result with its output. An error is part of the result and is not
    #'   raised.
    #' @return The event 200, see section Events.
    run_with_output = function(func, args = list(), package = NULL,
                               timeout = Inf) {
      session_run_with_output(self, private, func, args, package, timeout)
    },

    #' @description Run a function in the session, now and after each
    #'   `$restart()`. Use it to attach packages, set options or load data.
    #' @return The value of the function, invisibly.
    setup = function(func, args = list(), package = NULL) {
      session_setup(self, private, func, args, package)
    },

    #' @description End the process, if it is still running, and start a new one
    #'   with the same options in its place. Every function that was passed to
    #'   `$setup()` runs again, in the same order. If one fails, its error is
    #'   raised.
    #' @return The session, invisibly.
    restart = function(wait_timeout = default_wait_timeout()) {
      session_restart(
        self, private, super, wait_timeout, !missing(wait_timeout)
      )
    },

    #' @description Start running a function in the session, without waiting for
    #'   it.
    #' @return `"busy"`, invisibly. Event 200 tells when the call is over;
    #'   [await()] of the session waits for the result.
    call = function(func, args = list(), package = NULL) {
      session_call(private, func, args, package)
      # At once, but where there is no shared memory for large arguments.
      .Call(ew_session_wait_sent, private$link)
      invisible("busy")
    },

    #' @description Wait for an event.
    #' @return `"ready"`, `"timeout"` or `"closed"`.
    poll_process = function(timeout) {
      check_milliseconds(timeout, "timeout")
      if (session_has_news(private)) return("ready")
      processx::poll(list(self$get_poll_connection()), timeout)[[1L]]
    },

    #' @description The state of the session, according to the events that have
    #'   been read so far.
    #' @return `"starting"`, `"idle"`, `"busy"` or `"finished"`.
    get_state = function() private$state,

    #' @description How long the session and its current call have been running.
    #' @return A difftime in seconds with the names `total` and `current`;
    #'   `current` is `NA` when no call is running.
    get_running_time = function() session_running_time(private),

    #' @description Return the next event, if there is one. Does not wait.
    #' @return `NULL` or an event, see section Events.
    read = function() session_read(self, private),

    #' @description End the session: ask it to quit, and kill it if it does not
    #'   quit in time.
    #' @return `NULL`, invisibly.
    close = function(grace = 1000) {
      session_close(self, private, grace, !missing(grace))
    },

    #' @description Print the calls of the last error in the session, innermost
    #'   first. The session must be idle.
    #' @return A list of calls as text, invisibly.
    traceback = function() session_traceback(self, private),

    #' @description Inspect the frames of the last error, at an interactive
    #'   prompt. Needs `options(callr.traceback = TRUE)` at the time of the
    #'   call.
    #' @return `NULL`, invisibly.
    debug = function() session_debug(self, private),

    #' @description Type commands at the top level of the session, until `.q`.
    #' @return `NULL`, invisibly.
    attach = function() session_attach(self, private),

    #' @description Get what the running call has printed so far.
    #' @return A list with `stdout` and `stderr`, each one string, or `NULL` if
    #'   option `stdout` or `stderr` sends the output elsewhere.
    peek_output = function() {
      list(
        stdout = session_printed(private, 0L),
        stderr = session_printed(private, 1L)
      )
    },

    #' @description Kill the session. Its state is `"finished"` afterwards.
    #' @return `TRUE` if this ended the process, `FALSE` if it had ended before.
    kill = function(grace = 0.1, close_connections = TRUE) {
      killed <- session_kill(
        self, private, super, grace, close_connections, !missing(grace)
      )
      private$state <- "finished"
      end_life_span(private)
      self$cleanup()
      killed
    },

    #' @description Stop the process until `$resume()`. Returns once the process
    #'   has stopped.
    suspend = function() {
      stopped <- super$suspend()
      holds_within(0.5, function() {
        !self$is_alive() || identical(self$get_status(), "stopped")
      })
      stopped
    },

    #' @description Kill the session and all processes it has started. Its state
    #'   is `"finished"` afterwards.
    #' @return Named integer vector: the processes that were killed.
    kill_tree = function(grace = 0.1, close_connections = TRUE) {
      session_kill_tree(self, private, super, grace, close_connections)
    },

    #' @description The process id of the session.
    #' @return One integer.
    get_pid = function() session_pid(private, super$get_pid()),

    #' @description Send a signal to the session.
    #' @return `TRUE` if the process was still running.
    signal = function(signal, ...) {
      session_signal(private, super, signal, ...)
    },

    #' @description Interrupt the running call, as Ctrl-C does. An idle session
    #'   ignores it.
    #' @return `TRUE` if the process was still running.
    interrupt = function(...) {
      session_wait_until_read(private)
      is_sent <- session_signal_fork(private, 2L, isTRUE(list(...)$group))
      if (is.null(is_sent)) super$interrupt(...) else is_sent
    },

    #' @description Print one line about the session.
    print = function(...) {
      is_running <- private$state != "finished" && self$is_alive()
      cat(
        "R SESSION, ",
        if (is_running) paste0("alive, ", private$state) else "finished",
        ", pid ", self$get_pid(), ".\n",
        sep = ""
      )
      invisible(self)
    },

    #' @description Delete files that the session needed and no longer needs.
    cleanup = function() session_cleanup(private)
  ),
  private = c(session_fields(), list(
    # In the place of processx's, which knows neither forks nor restarts.
    finalize = function() session_finalize(self, private)
  ))
)

# Public, because callr's class shows it. Named here: R6 wants it private, and
# says so when the class is made.
r_session$public_methods$finalize <- function() {
  session_finalize(self, private)
}
