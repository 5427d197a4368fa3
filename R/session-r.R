#' Evaluate a function in another R process
#'
#' `r()` starts an R process, runs the function in it, waits, and returns its
#' value. `r_bg()` does not wait: it returns the process, and `$get_result()`
#' returns the value once the process has ended. If you make many calls, use
#' [r_session]: it starts R only once.
#'
#' @param func A function. Its environment becomes the global environment of the
#'   new process: pass everything it needs in `args`.
#' @param args A list: the arguments of the function.
#' @param package `NULL` (the default) or `FALSE`: the function runs in the
#'   global environment. `TRUE`: the function keeps its environment. The name of
#'   a package: the function runs in the namespace of that package.
#' @param libpath Character vector of existing folders: the library path of the
#'   process; `NULL` leaves it to R. The default is `.libPaths()`.
#' @param repos Named character vector or list: `options("repos")` of the
#'   process. The default is that of this session, with a CRAN mirror if none is
#'   set.
#' @param stdout,stderr Where the output of the process goes. A file name;
#'   `"|"`: a pipe, to be read by `$read_output()` and `$read_error()` (the
#'   default of `r_bg()`); `""`: where this process prints; for `stderr` also
#'   `"2>&1"`: to the same place as `stdout`. `NULL`, the default of `r()`,
#'   keeps the output only for the error, if there is one.
#' @param poll_connection One logical, by default `TRUE`: should [poll()] be
#'   able to tell when the result is ready?
#' @param error One of `"error"` (the default: raise it here), `"stack"` (also
#'   store the frames in `$stack`), `"debugger"` (also start [utils::debugger()]
#'   on them).
#' @param cmdargs Character vector: command line arguments for R.
#' @param show One logical, by default `FALSE`: show the output of the process
#'   while it runs?
#' @param callback,block_callback `NULL` or a function of one string. It is
#'   called with each line (`callback`) or each piece (`block_callback`) of
#'   output.
#' @param spinner One logical: show a spinner while the process runs? By
#'   default, if `show` is `TRUE` and the session is interactive.
#' @param system_profile One logical, default `FALSE`: run the site profile?
#' @param user_profile `"project"` (the default: only `.Rprofile` of the working
#'   directory), `TRUE` (as R does) or `FALSE`.
#' @param env Named character vector: environment variables; `NA` unsets one. By
#'   default, the process cannot open a browser or a PDF viewer.
#' @param timeout One number of seconds or a difftime, by default `Inf`: a
#'   process that takes longer is killed.
#' @param supervise One logical, default `FALSE`: let the supervisor process of
#'   processx watch the process, too?
#' @param arch `"same"` (the default), a sub-architecture, or the path of an R
#'   executable.
#' @param ... Further arguments of `processx::process$new()`, such as `wd` and
#'   `encoding`.
#' @return `r()`: the value of the function. `r_bg()`: an object of class
#'   `r_process`, a [processx::process] with a method `$get_result()`, which
#'   returns the value, or raises the error, once the process has ended.
#' @section Errors:
#' * `callr_status_error`, `callr_error`: the function failed, or the process
#'   ended without a result. Fields `status` (exit status of the process,
#'   negative for a signal), `stdout`, `stderr`; the condition from the process
#'   is in `$parent`, its calls are in `$parent_trace`.
#' * `callr_timeout_error`: the process exceeded its time limit.
#' * `elsewhere_still_running`, `rlib_error`: `$get_result()` was called before
#'   the process ended.
#' * `elsewhere_cannot_travel`: an argument cannot be used in another process.
#'   Field `path` says where it is (`args[[1]]$con`), `reference_class` what it
#'   is, and `holder_class`, if it is part of an object, the class of that
#'   object.
#' @examples
#' r(function(x) x + 1, list(41))
#' process <- r_bg(function() Sys.getpid())
#' process$wait()
#' process$get_result() == process$get_pid()
#' @export
r <- function(func, args = list(), libpath = .libPaths(),
              repos = session_repos(), stdout = NULL, stderr = NULL,
              poll_connection = TRUE,
              error = getOption("callr.error", "error"),
              cmdargs = c("--slave", "--no-save", "--no-restore"),
              show = FALSE, callback = NULL, block_callback = NULL,
              spinner = show && interactive(), system_profile = FALSE,
              user_profile = "project", env = quiet_environment(),
              timeout = Inf, package = NULL, arch = "same", ...) {
  check_flag(show, "show")
  check_flag(spinner, "spinner")
  timeout <- seconds_of(timeout)
  check_seconds(timeout, "timeout")
  for (one in list(callback, block_callback)) {
    if (!is.null(one)) check_function(one, "callback")
  }
  asked <- list(
    func = func, args = args, libpath = libpath, repos = repos,
    stdout = if (is.null(stdout)) "|" else stdout,
    stderr = if (is.null(stderr)) "|" else stderr,
    poll_connection = poll_connection, error = error, cmdargs = cmdargs,
    system_profile = system_profile, user_profile = user_profile, env = env,
    supervise = FALSE, package = package, arch = arch, extra = list(...)
  )
  if (is_traced()) {
    attributes <- otel::as_attributes(asked)
    otel::start_local_active_span("callr::r", attributes = attributes)
    asked <- with_trace_context(asked)
  }
  process <- r_process$new(asked)
  on.exit(process$kill(grace = 0), add = TRUE)
  listeners <- list(
    lines = callback, pieces = block_callback, show = show, spinner = spinner
  )
  seen <- watch_process(process, listeners, timeout)
  if (seen$is_late) {
    process$kill(grace = 0)
    throw_session_error(new_session_error(
      "callr timed out", class = "callr_timeout_error",
      status = process$get_exit_status(),
      stdout = seen$output[[1L]], stderr = seen$output[[2L]]
    ))
  }
  process_result(process, seen$output)
}

#' @rdname r
#' @export
r_bg <- function(func, args = list(), libpath = .libPaths(),
                 repos = session_repos(), stdout = "|", stderr = "|",
                 poll_connection = TRUE,
                 error = getOption("callr.error", "error"),
                 cmdargs = c("--slave", "--no-save", "--no-restore"),
                 system_profile = FALSE, user_profile = "project",
                 env = quiet_environment(), supervise = FALSE, package = NULL,
                 arch = "same", ...) {
  r_process$new(list(
    func = func, args = args, libpath = libpath, repos = repos,
    stdout = stdout, stderr = stderr, poll_connection = poll_connection,
    error = error, cmdargs = cmdargs, system_profile = system_profile,
    user_profile = user_profile, env = env, supervise = supervise,
    package = package, arch = arch, extra = list(...),
    span = "callr::r_process"
  ))
}

quiet_environment <- function() {
  c(
    CYGWIN = "nodosfilewarning", R_TESTS = "", R_BROWSER = "false",
    R_PDFVIEWER = "false"
  )
}

# Reads what the process prints until it has ended. list(is_late, output), the
# output of both streams as one string each, NULL where it goes elsewhere.
watch_process <- function(process, listeners, timeout) {
  ends_at <- proc.time()[[3L]] + timeout
  streams <- list(
    new_printed(process$has_output_connection(), stdout()),
    new_printed(process$has_error_connection(), stderr())
  )
  spin <- if (listeners$spinner) cli::make_spinner()
  on.exit(if (!is.null(spin)) spin$finish())
  repeat {
    left <- ends_at - proc.time()[[3L]]
    is_late <- left <= 0
    # Asked before reading, so that the last read gets all output.
    is_over <- is_late || !process$is_alive()
    if (!is_over) {
      slice <- min(left * 1000, if (is.null(spin)) 60000 else 100)
      process$poll_io(as.integer(ceiling(slice)))
    }
    has_read <- c(
      read_printed(streams[[1L]], process$read_output, listeners),
      read_printed(streams[[2L]], process$read_error, listeners)
    )
    if (!is.null(spin)) spin$spin()
    if (is_over && !any(has_read)) break
  }
  output <- lapply(streams, end_printed, listeners)
  list(is_late = is_late && process$is_alive(), output = output)
}

new_printed <- function(is_read, shown_on) {
  stream <- new.env(parent = emptyenv())
  stream$is_read <- is_read
  stream$shown_on <- shown_on
  stream$pieces <- character()
  stream$line <- ""
  stream
}

# TRUE if there was something.
read_printed <- function(stream, read, listeners) {
  if (!stream$is_read) return(FALSE)
  piece <- read()
  if (is.raw(piece)) piece <- bytes_to_text(piece)
  if (!nzchar(piece)) return(FALSE)
  stream$pieces <- c(stream$pieces, piece)
  if (listeners$show) cat(piece, file = stream$shown_on)
  if (!is.null(listeners$pieces)) listeners$pieces(piece)
  if (is.null(listeners$lines)) return(TRUE)
  text <- paste0(stream$line, piece)
  lines <- strsplit(text, "\r?\n")[[1L]]
  is_whole <- endsWith(text, "\n")
  stream$line <- if (is_whole) "" else lines[[length(lines)]]
  if (!is_whole) lines <- lines[-length(lines)]
  for (line in lines) listeners$lines(line)
  TRUE
}

end_printed <- function(stream, listeners) {
  if (!stream$is_read) return(NULL)
  is_half <- !is.null(listeners$lines) && nzchar(stream$line)
  if (is_half) listeners$lines(stream$line)
  paste(stream$pieces, collapse = "")
}
