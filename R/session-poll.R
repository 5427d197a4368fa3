#' Wait for processes, sessions and connections
#'
#' This is [processx::poll()], which works with sessions, too: a session is
#' ready when `$read()` would return an event.
#'
#' @param processes A list of sessions, processes and connections. Names are
#'   kept.
#' @param ms One whole number of milliseconds to wait; -1 waits forever, 0 does
#'   not wait.
#' @return A list with one element for each item of `processes`. For a process
#'   or session, a character vector with the names `output`, `error` and
#'   `process`; for a connection, one string. The values are `"ready"`,
#'   `"timeout"`, `"silent"`, `"closed"` and `"nopipe"`.
#' @examples
#' rs <- r_session$new()
#' rs$call(function() 1)
#' poll(list(rs), 2000)
#' rs$close()
#' @export
poll <- function(processes, ms) {
  processx::poll(processes, ms)
}
