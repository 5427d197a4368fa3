# All that sessions use of processx beyond its documented functions: private
# fields of its class. Each is looked for before it is used, and
# tests/testthat/test-dependencies.R names each.

processx_has <- function(fields, class = processx::process) {
  all(fields %in% names(class$private_fields))
}

# What to know of a process that is not the one that processx has started. With
# a processx that keeps this elsewhere, sessions start R themselves.
processx_can_hold_forks <- function(class = processx::process) {
  processx_has(c("command", "args", "starttime"), class)
}

# A stand-in shows itself as the R for which it stands.
processx_shows <- function(private, binary, arguments) {
  private$command <- binary
  private$args <- arguments
}

# The session has started so many seconds after its stand-in. Newer versions of
# processx keep two times: what the kernel says, for the ps package, and what is
# shown. In older ones, one is both.
processx_starts_later <- function(private, seconds) {
  if (!exists("starttime_raw", private, inherits = FALSE)) {
    private$starttime <- private$starttime + seconds
    return(invisible())
  }
  private$starttime_raw <- private$starttime_raw + seconds
  private$starttime <- max(private$starttime, private$starttime_raw)
}

# So that polling the process is polling this connection.
processx_polls <- function(private, connection) {
  private$poll_pipe <- connection
}

# The external pointer whose end is the end of the process.
processx_handle <- function(private) {
  if (typeof(private$status) != "externalptr") abort_unknown_processx("status")
  private$status
}

# Without these there are no sessions.
check_processx <- function(class = processx::process) {
  for (field in c("status", "poll_pipe")) {
    if (!processx_has(field, class)) abort_unknown_processx(field)
  }
}

abort_unknown_processx <- function(field) {
  abort(
    sprintf(
      paste(
        "Sessions do not work with processx %s: its class `process` has no",
        "field `%s`. Install processx 3.8.0 to 3.9.0, or a newer elsewhere"
      ),
      utils::packageVersion("processx"), field
    ),
    "elsewhere_dependency"
  )
}
