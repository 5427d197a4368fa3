# The result of a session's call as a promise. The event loop watches the
# channel; nothing asks again and again.

#' Use the call of a session as a promise
#'
#' The promise of a session is fulfilled with the value of the call that runs,
#' and rejected with its error. That of a session that is starting is fulfilled
#' with the session. Conditions that the session signals meanwhile are signalled
#' here. Promises of the same call are one.
#'
#' @param x A session: an object of class `r_session`, starting or busy.
#' @return A promise, see [promises::promise()].
#' @section Errors:
#' * `elsewhere_session_state`: the session runs no call.
#' @examples
#' rs <- r_session$new()
#' rs$call(function() 42)
#' promises::then(promises::as.promise(rs), print)
#' while (!later::loop_empty()) later::run_now(1)
#' rs$close()
#' @exportS3Method promises::as.promise
as.promise.r_session <- function(x) {
  session_promise(x, x$.__enclos_env__$private)
}

session_promise <- function(self, private) {
  if (!private$state %in% c("starting", "busy")) {
    abort(
      paste0(
        "There is nothing to wait for: the session is ", private$state,
        ". Start a call first: `$call()`."
      ),
      "elsewhere_session_state", state = private$state, home = "rlib_error"
    )
  }
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
