# Processes and connections of processx as promises: the event loop watches a
# descriptor, nothing asks again and again.

#' Use a process or a connection as a promise
#'
#' `await()` accepts processes of the processx and callr packages, connections
#' of processx, and R's own sockets. The promise of a process is fulfilled when
#' the process has ended; that of a connection when something can be read from
#' it without waiting; that of a listening socket when a client has connected.
#' None of them reads anything. R's own files and text connections are always
#' ready.
#'
#' @param x A `process` of processx, an `r_process` of callr (as started by
#'   `callr::r_bg()`), a `processx_connection`, or a connection of R
#'   ([socketConnection()], [serverSocket()]).
#' @return A promise, see [promises::promise()]. For a `process`, its value is
#'   the exit status (negative: the signal that killed it; `NA` if processx does
#'   not know it). For an `r_process`, it is the result; an error rejects the
#'   promise. For a connection, it is the connection. [cancel()] of the promise
#'   of a process kills the process.
#' @examples
#' sleeper <- processx::process$new("sleep", "0.05")
#' wait_for(async(cat("ended with", await(sleeper), "\n")))
#' @name as.promise.process
#' @exportS3Method promises::as.promise
as.promise.process <- function(x) {
  process_promise(x, function() x$get_exit_status())
}

#' @rdname as.promise.process
#' @exportS3Method promises::as.promise
as.promise.r_process <- function(x) {
  process_promise(x, function() x$get_result())
}

process_promise <- function(process, outcome) {
  stop_watching <- function() NULL
  new_promise(
    function(resolve, reject) {
      settle <- function(...) {
        # The kernel knows before processx does, whose $wait() would be in the
        # way of its own signal handler.
        if (process$is_alive()) return(later::later(settle, 0.001))
        tryCatch(resolve(outcome()), error = reject)
      }
      stop_watching <<- when_ended(process, settle)
    },
    on_cancel = function() {
      stop_watching()
      process$kill()
    }
  )
}

# Calls back from the event loop; returns a function that calls that off.
when_ended <- function(process, callback) {
  # While it is alive here, nobody has reaped it: its number is its own.
  if (!process$is_alive()) return(later::later(callback))
  ended <- .Call(ew_process_watch, process$get_pid())
  call_off <- later::later_fd(function(ready) {
    .Call(ew_fork_forget, ended)
    callback()
  }, ended)
  function() if (call_off()) .Call(ew_fork_forget, ended)
}

#' @rdname as.promise.process
#' @exportS3Method promises::as.promise
as.promise.processx_connection <- function(x) {
  new_promise(function(resolve, reject) {
    # Some of it may have been read already, into the connection's own buffer.
    if (processx::poll(list(x), 0)[[1L]] != "timeout") return(resolve(x))
    later::later_fd(
      function(ready) resolve(x), processx::conn_get_fileno(x)
    )
  })
}
