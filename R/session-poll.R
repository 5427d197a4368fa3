#' Wait for processes, sessions and connections
#'
#' This is [processx::poll()], for use with sessions: a session is ready when
#' it has an event to `$read()`.
#'
#' @param processes A list of sessions, processes and connections; names are
#'   kept.
#' @param ms One whole number of milliseconds to wait; -1 waits for ever, 0 only
#'   looks.
#' @return A list, for each process or session a character vector with the names
#'   `output`, `error` and `process`, for each connection one string:
#'   `"ready"`, `"timeout"`, `"silent"`, `"closed"` or `"nopipe"`.
#' @examples
#' rs <- r_session$new()
#' rs$call(function() 1)
#' poll(list(rs), 2000)
#' rs$close()
#' @export
poll <- function(processes, ms) {
  processx::poll(processes, ms)
}
