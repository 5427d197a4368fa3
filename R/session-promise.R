# The result of a session's call as a promise. The event loop watches the
# channel; nothing asks again and again.

#' Use the call of a session as a promise
#'
#' The promise of a busy session is fulfilled with the value of the running
#' call, or rejected with its error. The promise of a starting session is
#' fulfilled with the session. Conditions that the session signals meanwhile are
#' signalled here. Asking twice during one call gives the same promise.
#'
#' @param x A session: an object of class `r_session`, starting or busy. A
#'   session of the callr package works, too.
#' @return A promise, see [promises::promise()].
#' @section Errors:
#' * `elsewhere_session_state`: the session is not running a call.
#' @examples
#' rs <- r_session$new()
#' rs$call(function() 42)
#' promises::then(promises::as.promise(rs), print)
#' while (!later::loop_empty()) later::run_now(1)
#' rs$close()
#' @exportS3Method promises::as.promise
as.promise.r_session <- function(x) {
  private <- x$.__enclos_env__$private
  is_ours <- exists("link", private, inherits = FALSE)
  if (is_ours) session_promise(x, private) else callr_session_promise(x)
}

check_awaitable_session <- function(state) {
  if (state %in% c("starting", "busy")) return(invisible())
  abort(
    paste0(
      "There is nothing to wait for: the session is ", state,
      ". Start a call with `$call()` first."
    ),
    "elsewhere_session_state", state = state, home = "rlib_error"
  )
}

session_promise <- function(self, private) {
  check_awaitable_session(private$state)
  if (is.null(private$promise)) {
    private$promise <- promises::promise(function(resolve, reject) {
      # Whoever reads the event, the promise hears of it.
      private$on_event <- function(event) {
        settle_by_event(self, private, event, resolve, reject)
      }
      watch_session(self, private)
    })
  }
  private$promise
}

settle_by_event <- function(self, private, event, resolve, reject) {
  code <- as.integer(event$code)
  if (code %in% c(202L, 301L)) return(invisible())
  private$on_event <- NULL
  private$promise <- NULL
  if (code == 201L) {
    resolve(self)
  } else if (code == 200L && is.null(event$error)) {
    resolve(event$result)
  } else if (is.null(event$error)) {
    reject(new_session_error(event$message, status = self$get_exit_status()))
  } else {
    reject(event$error)
  }
}

# A descriptor of its own: that of the session may be closed at any time.
watch_session <- function(self, private) {
  watched <- processx::conn_create_fd(
    .Call(ew_session_descriptor, private$link)
  )
  step <- function(ready) {
    event <- self$read()
    if (!is.null(event) && identical(event$code, 301L)) {
      relay_message(event$message)
    }
    if (is.null(private$on_event)) close(watched) else watch()
  }
  watch <- function() {
    later::later_fd(step, readfds = processx::conn_get_fileno(watched))
  }
  watch()
}

# Sessions of the callr package itself: pairs of a session and its promise,
# while that is pending.
awaited_callr <- new.env()

callr_session_promise <- function(session) {
  check_awaitable_session(session$get_state())
  for (pair in awaited_callr$pairs) {
    if (identical(pair$session, session)) return(pair$promise)
  }
  promise <- promises::promise(function(resolve, reject) {
    settle <- function(event) {
      awaited_callr$pairs <- Filter(
        function(pair) !identical(pair$session, session), awaited_callr$pairs
      )
      if (event$code == 201L) {
        resolve(session)
      } else if (event$code == 200L && is.null(event$error)) {
        resolve(event$result)
      } else if (is.null(event$error)) {
        reject(new_session_error(
          event$message, status = session$get_exit_status()
        ))
      } else {
        reject(event$error)
      }
    }
    watch_callr_session(session, settle)
  })
  awaited_callr$pairs <- c(
    awaited_callr$pairs, list(list(session = session, promise = promise))
  )
  promise
}

# Calls `settle` with the event that ends the call, or the start.
watch_callr_session <- function(session, settle) {
  step <- function(ready) {
    event <- if (session$get_state() != "finished") session$read()
    if (!is.null(event) && event$code == 301L) relay_message(event$message)
    if (is.null(event) || event$code %in% c(202L, 301L)) {
      watch()
    } else {
      settle(event)
    }
  }
  watch <- function() {
    if (!session$get_state() %in% c("starting", "busy")) {
      return(settle(list(code = 0L, message = paste(
        "The session was closed, or its result was read by other code, while a",
        "task was waiting for it."
      ))))
    }
    connection <- session$get_poll_connection()
    # Some of it may have been read already, into the connection's own buffer.
    if (processx::poll(list(connection), 0)[[1L]] != "timeout") {
      later::later(step)
    } else {
      later::later_fd(step, readfds = processx::conn_get_fileno(connection))
    }
  }
  watch()
}
