# Connections of R as promises. R tells of a socket whether it can be read, but
# not by which descriptor; that is found by its port.

#' @rdname as.promise.process
#' @section Errors:
#' * `elsewhere_cannot_await`: the connection is a pipe, a fifo, a URL or a
#'   terminal. R does not tell whether these can be read without waiting.
#' @exportS3Method promises::as.promise
as.promise.connection <- function(x) {
  kind <- summary(x)$class  # an error, if it has been closed
  if (kind %in% c("sockconn", "servsockconn")) return(socket_promise(x))
  if (kind %in% c("pipe", "fifo", "terminal") || startsWith(kind, "url")) {
    abort(
      paste0(
        "A connection of class `", kind, "` cannot be awaited: R does not ",
        "tell when it can be read. ", way_out_of(kind)
      ),
      "elsewhere_cannot_await"
    )
  }
  # Files, and what is in memory, can be read at any time.
  made <- pending_promise()
  promise_resolve_native(made, x)
  made
}

way_out_of <- function(kind) {
  switch(kind,
    pipe = paste(
      "Start the program with `processx::process$new(..., stdout = \"|\")`",
      "and await its `$get_output_connection()`, or the process."
    ),
    fifo = paste(
      "Open it with `processx::conn_connect_fifo()` or `conn_create_fifo()`:",
      "their connections can be awaited."
    ),
    terminal = "Read it in a session or a future.",
    paste(
      "Await `httr2::req_perform_promise()`, a request of the curl package, or",
      "`future(readLines(...))`."
    )
  )
}

# Fulfilled with the connection when something can be read from it, or its other
# end has closed; that of a listening one, when somebody has called.
socket_promise <- function(connection) {
  stop_watching <- function() NULL
  new_promise(
    function(resolve, reject) {
      look <- function(...) {
        tryCatch(
          {
            # Before the look at the connection: what is readable by then, while
            # the connection is not, is another one's.
            quiet <- quiet_sockets(connection)
            if (is_readable(connection)) {
              resolve(connection)
            } else {
              stop_watching <<- later::later_fd(look, quiet)
            }
          },
          error = reject
        )
      }
      look()
    },
    on_cancel = function() stop_watching()
  )
}

is_readable <- function(connection) {
  pushBackLength(connection) > 0L || socketSelect(list(connection), FALSE, 0)
}

# "->host:port" of one that has called, "<-host:port" of one that was called. R
# forgets the port of one that listens.
quiet_sockets <- function(connection) {
  about <- summary(connection)
  if (about$class == "servsockconn") return(.Call(ew_socket_find, 0L, 2L))
  port <- as.integer(sub("^.*:", "", about$description))
  has_called <- startsWith(about$description, "->")
  .Call(ew_socket_find, port, if (has_called) 0L else 1L)
}
