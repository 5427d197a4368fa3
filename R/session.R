#' A persistent R session in the background
#'
#' An R process that waits for work. It keeps its packages, its variables and
#' its options from one call to the next. The class extends
#' [processx::process], so everything a process can do, it can do, too, and
#' [processx::poll()] takes sessions.
#'
#' The process never outlives this one: when this process ends, however it
#' ends, the session and what it has started are gone within a second.
#'
#' @param func A function, or one string: the name of one that the session has.
#'   Its environment is the global environment of the session, unless `package`
#'   says otherwise.
#' @param args A list: the arguments of the function, with or without names. The
#'   default is an empty list.
#' @param package `NULL` (the default) or `FALSE`: as above. `TRUE`: the
#'   function keeps its environment. One string: it runs in the namespace of
#'   that package.
#' @param timeout For `$run()` and `$run_with_output()` one number of seconds or
#'   a difftime, by default `Inf`: a call that takes longer is interrupted, and
#'   its error has class `callr_timeout_error`. For `$poll_process()` one whole
#'   number of milliseconds; -1 waits for ever.
#' @param wait_timeout One number of milliseconds to wait for the start; the
#'   default is option `elsewhere.wait_timeout`, or 3000, and longer on a
#'   machine that is too busy to start R.
#' @param grace How long the process may take to end before it is killed: for
#'   `$close()` one number of milliseconds, by default 1000; for `$kill()` one
#'   number of seconds, by default 0.1, also for `$kill_tree()`.
#' @param close_connections One logical, by default `TRUE`: close the pipes of
#'   the process, too?
#' @param signal One integer, see [tools::SIGINT].
#' @param ... For `$signal()` and `$interrupt()`: passed to the method of
#'   [processx::process]. Not used by `$print()`.
#'
#' @section Events:
#' `$read()` returns `NULL` if there is no event. Otherwise a list of class
#' `callr_session_result` with `code` (one integer) and `message` (one string):
#' * 200: a call has finished; with `result` (the value, or `NULL`), `stdout`
#'   and `stderr` (one string each, or `NULL` where the output goes elsewhere),
#'   `error` (a condition, or `NULL`), and `warnings`, a list of the first 50
#'   conditions, if there were any.
#' * 201: the session has started.
#' * 202: a line sent by `$attach()` has run.
#' * 301: a condition of class `callr_message` was signalled in the session;
#'   `message` is the condition.
#' * 500, 501, 502: the session has quit with status 0, has crashed or quit with
#'   another status, or has closed its channel and was killed; with the fields
#'   of 200. It is the last event, and each further `$read()` returns it again.
#'
#' An event changes the state that `$get_state()` tells: to `"idle"` at 200, 201
#' and 202, to `"finished"` at 500 and above. `$close()` and `$kill()` change
#' it, too.
#'
#' @section Conditions:
#' While `$run()` and `$run_with_output()` wait, a condition of class
#' `callr_message` from the session is signalled here. A handler may invoke the
#' restart `callr_r_session_muffle` or `muffleMessage`, so that no other one
#' gets it. If none does, the function in option
#' `callr.condition_handler_<class>` is called with it, for the first of its
#' classes that has one. Warnings of the call are raised here when it is over.
#'
#' @section Telemetry:
#' With the package otel and an exporter for it, as [otel::is_tracing_enabled()]
#' says, sessions make the OpenTelemetry spans that callr's make, by the tracer
#' `org.r-lib.callr`: `callr::r_session` for the life of a session, and below it
#' `r_session$initialize() wait`, `r_session$call`, `r_session$read`,
#' `r_session$close` and, in its process, `callr subprocess`, which records
#' errors. Whether spans are made is decided when a session starts.
#'
#' @section Errors:
#' * `callr_status_error`, `callr_error`: the call failed; the condition from
#'   the session is in `$parent`, its calls are in `$parent_trace`, what it had
#'   printed in `$stdout` and `$stderr`. From `$new()`: the session ended while
#'   it started.
#' * `elsewhere_worker_died`, `callr_error`: the session ended during the call,
#'   with exit status `$status`, by `$signal` (`NULL` if by none), while it ran
#'   the function `$running`.
#' * `callr_timeout_error`, `callr_error`: the call was interrupted, or ran out
#'   of time.
#' * `elsewhere_unreadable_result`, `callr_error`: there was no memory here for
#'   the result; the session can be used again.
#' * `elsewhere_session_state`, `rlib_error`: the session is not idle; `$state`
#'   says what it is.
#' * `elsewhere_worker_start`, `rlib_error`: the session did not start within
#'   `wait_timeout`, and was killed; or there is no R to start.
#' * `elsewhere_cannot_travel`, `callr_error`: an argument means nothing in
#'   another process, as a connection or an external pointer. `$path` says where
#'   it is (`args[[1]]$con`), `$reference_class` what, and `$holder_class` of
#'   which object it is a part, if of any.
#' * `elsewhere_no_traceback`, `rlib_error`: `$traceback()` or `$debug()`, and
#'   nothing was recorded.
#' * `elsewhere_protocol_error`, `rlib_error`: `$read()` of a condition whose
#'   `code` is another one than 301.
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
    #' @param options A list of options, see [r_session_options()]; those that
    #'   are not in it have their default.
    #' @param wait One logical: wait until the session is ready? The default is
    #'   `TRUE`. If `FALSE`, event 201 says when it is.
    #' @return A session; class `r_session`.
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

    #' @description Run a function in the session, wait, and return all there
    #'   is to know. An error is in the result and is not raised.
    #' @return The event 200, see the section about events.
    run_with_output = function(func, args = list(), package = NULL,
                               timeout = Inf) {
      session_run_with_output(self, private, func, args, package, timeout)
    },

    #' @description Run a function in the session, now and after each
    #'   `$restart()`: attach packages, set options, load data.
    #' @return The value of the function, invisibly.
    setup = function(func, args = list(), package = NULL) {
      session_setup(self, private, func, args, package)
    },

    #' @description End the process, if it has not ended, and start another one
    #'   with the same options in its place. What was given to `$setup()` is run
    #'   again, in the same order; an error of it is raised.
    #' @return The session, invisibly.
    restart = function(wait_timeout = default_wait_timeout()) {
      session_restart(
        self, private, super, wait_timeout, !missing(wait_timeout)
      )
    },

    #' @description Start a function in the session and do not wait.
    #' @return `"busy"`, invisibly. The event 200 says when the call is over;
    #'   [await()] of the session waits for its result.
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

    #' @description What the session is doing, as far as the events read so far
    #'   tell.
    #' @return `"starting"`, `"idle"`, `"busy"` or `"finished"`.
    get_state = function() private$state,

    #' @description How long the session, and its current call, have been
    #'   running.
    #' @return A difftime in seconds with the names `total` and `current`;
    #'   `current` is `NA` when no call runs.
    get_running_time = function() session_running_time(private),

    #' @description Take the next event, if there is one. Does not wait.
    #' @return `NULL` or an event, see the section about events.
    read = function() session_read(self, private),

    #' @description End the session: let it end in order, then kill it.
    #' @return `NULL`, invisibly.
    close = function(grace = 1000) {
      session_close(self, private, grace, !missing(grace))
    },

    #' @description Print the calls of the last error in the session, the
    #'   innermost first. Needs an idle session.
    #' @return A list of calls as text, invisibly.
    traceback = function() session_traceback(self, private),

    #' @description Look into the frames of the last error, at a prompt of its
    #'   own. Needs `options(callr.traceback = TRUE)` when the call is made.
    #' @return `NULL`, invisibly.
    debug = function() session_debug(self, private),

    #' @description Type into the top level of the session, until `.q`.
    #' @return `NULL`, invisibly.
    attach = function() session_attach(self, private),

    #' @description What the running call has printed so far.
    #' @return A list with `stdout` and `stderr`, each one string, or `NULL`
    #'   where `stdout` or `stderr` of the options sends the output elsewhere.
    peek_output = function() {
      list(
        stdout = session_printed(private, 0L),
        stderr = session_printed(private, 1L)
      )
    },

    #' @description Kill the session. Its state is `"finished"` afterwards.
    #' @return `TRUE` if the process ended by it, `FALSE` if it had ended.
    kill = function(grace = 0.1, close_connections = TRUE) {
      killed <- session_kill(
        self, private, super, grace, close_connections, !missing(grace)
      )
      private$state <- "finished"
      end_life_span(private)
      self$cleanup()
      killed
    },

    #' @description Stop the process until `$resume()`. Returns when it stands
    #'   still.
    suspend = function() {
      stopped <- super$suspend()
      holds_within(0.5, function() {
        !self$is_alive() || identical(self$get_status(), "stopped")
      })
      stopped
    },

    #' @description Kill the session and all that it has started. Its state is
    #'   `"finished"` afterwards.
    #' @return Named integer: the processes that were killed.
    kill_tree = function(grace = 0.1, close_connections = TRUE) {
      session_kill_tree(self, private, super, grace, close_connections)
    },

    #' @description The process id of the session.
    #' @return One integer.
    get_pid = function() session_pid(private, super$get_pid()),

    #' @description Send a signal to the session.
    #' @return `TRUE` if the process was there to get it.
    signal = function(signal, ...) {
      session_signal(private, super, signal, ...)
    },

    #' @description Interrupt the call that runs, as Ctrl-C does. An idle
    #'   session ignores it.
    #' @return `TRUE` if the process was there to be interrupted.
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

    #' @description Delete the files that the session has needed and does not
    #'   need any more.
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
