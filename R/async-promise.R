# Promises of our own: results that are not there yet. They are cheap (a C++
# object and a queue that one callback of `later` empties), and the promises
# package takes them for its own: class "promise", with $then(), $catch() and
# $finally().
#
# For the rest of the package:
#   new_promise(function(resolve, reject) ..., on_cancel = NULL)   a promise;
#     `resolve(value)` and `reject(reason)` settle it, the first call counts,
#     any later time will do. cancel() calls on_cancel(), then rejects it
#   pending_promise(), promise_resolve_native(promise, value),
#   promise_reject_native(promise, reason)       the same without closures
#   promise_when_settled(promise, function(fulfilled, value))   called once from
#     later's loop, soon after it settles (or at once "soon", if it has)

promise_class <- c("elsewhere_promise", "promise")

pending_promise <- function() .Call(ew_promise_new, promise_class)

new_promise <- function(action, on_cancel = NULL) {
  promise <- .Call(ew_promise_new, promise_class)
  if (!is.null(on_cancel)) .Call(ew_promise_set_owner, promise, on_cancel)
  resolve <- function(value) promise_resolve_native(promise, value)
  reject <- function(reason) promise_reject_native(promise, reason)
  tryCatch(action(resolve, reject), error = reject)
  promise
}

promise_resolve_native <- function(promise, value) {
  tryCatch(
    {
      result <- withVisible(value)
      .Call(ew_promise_resolve, promise, result$value, result$visible)
    },
    error = function(error) .Call(ew_promise_reject, promise, error)
  )
  invisible()
}

promise_reject_native <- function(promise, reason) {
  if (is.character(reason)) reason <- simpleError(paste(reason, collapse = ""))
  .Call(ew_promise_reject, promise, reason)
  invisible()
}

promise_when_settled <- function(promise, callback) {
  .Call(ew_promise_when_settled, promise, list(on_settled = callback))
  invisible()
}

is_native_promise <- function(value) {
  inherits(value, c("elsewhere_promise", "async")) && is_own_promise(value)
}

# The queues of what is due: one for each of later's loops ---------------------

schedule_drain <- function(loop) {
  later::later(function() drain_reactions(loop), loop = loop_handle(loop))
}

drain_reactions <- function(loop) {
  # Whatever is left, also after a jump out of here, gets its turn.
  on.exit(.Call(ew_promise_schedule, loop))
  outside_context(.Call(ew_promise_drain, loop))
}

# One reaction that is not a coroutine: the callbacks of $then(), or a watcher.
# `holder` is the value in a list.
run_reaction <- function(reaction, fulfilled, holder, visible) {
  value <- holder[[1L]]
  if (!is.null(reaction$on_settled)) {
    return(reaction$on_settled(fulfilled, value))
  }
  next_promise <- reaction$next_promise
  callback <- if (fulfilled) reaction$on_fulfilled else reaction$on_rejected
  if (is.null(callback)) {
    if (fulfilled) {
      .Call(ew_promise_resolve, next_promise, value, visible)
    } else {
      .Call(ew_promise_reject, next_promise, value)
    }
    return(NULL)
  }
  result <- tryCatch(
    withVisible(if (fulfilled) callback(value, visible) else callback(value)),
    error = function(error) {
      .Call(ew_promise_reject, next_promise, error)
      NULL
    }
  )
  if (is.null(result)) return(NULL)
  .Call(ew_promise_resolve, next_promise, result$value, result$visible)
  NULL
}

# A rejected promise that nobody looks at is reported, once, as the promises
# package does it.
watch_rejection <- function(core) {
  later::later(function() {
    state <- .Call(ew_promise_state, core)
    reason <- state$value
    # Who cancelled it knows.
    if (state$handled || inherits(reason, "elsewhere_cancelled")) return()
    text <- if (inherits(reason, "condition")) conditionMessage(reason)
    cat("Unhandled promise error: ", text, "\n", sep = "", file = stderr())
    trace <- if (is.list(reason)) reason$async_trace
    if (length(trace)) {
      cat(paste0("  in ", trace, "\n"), sep = "", file = stderr())
    }
  })
}

# $then(), $catch(), $finally() ------------------------------------------------

promise_then <- function(promise, on_fulfilled = NULL, on_rejected = NULL) {
  if (promise_domain_is_active()) {
    # Shiny and others wrap callbacks by a domain; the promises package applies
    # it.
    return(as_foreign_promise(promise)$then(on_fulfilled, on_rejected))
  }
  next_promise <- .Call(ew_promise_new, promise_class)
  reaction <- list(
    on_fulfilled = normal_on_fulfilled(on_fulfilled),
    on_rejected = normal_on_rejected(on_rejected),
    next_promise = next_promise
  )
  .Call(ew_promise_when_settled, promise, reaction)
  invisible(next_promise)
}

promise_finally <- function(promise, on_finally) {
  promise_then(
    promise,
    function(value, .visible) {
      on_finally()
      if (.visible) value else invisible(value)
    },
    function(reason) {
      on_finally()
      stop(reason)
    }
  )
}

normal_on_fulfilled <- function(callback) {
  if (!is.function(callback)) return(NULL)
  parameters <- names(formals(args(callback)))
  if (length(parameters) >= 2L && parameters[[2L]] == ".visible") {
    return(callback)
  }
  if (length(parameters) == 0L) return(function(value, .visible) callback())
  function(value, .visible) {
    if (.visible) callback(value) else callback(invisible(value))
  }
}

normal_on_rejected <- function(callback) {
  if (!is.function(callback)) return(NULL)
  if (length(formals(args(callback))) == 0L) {
    return(function(reason) callback())
  }
  callback
}

promise_domain_is_active <- function() !is.null(current_domain())

as_foreign_promise <- function(promise) {
  promises::promise(function(resolve, reject) {
    promise_when_settled(promise, function(fulfilled, value) {
      if (fulfilled) resolve(value) else reject(value)
    })
  })
}

# A promise of another package settles ours.
resolve_with_foreign <- function(value, core) {
  without_domain(promises::then(
    value,
    function(value, .visible) {
      .Call(ew_promise_follow, core, TRUE, value, .visible)
    },
    function(reason) .Call(ew_promise_follow, core, FALSE, reason, TRUE)
  ))
}

#' @export
`$.elsewhere_promise` <- function(x, name) {
  switch(name,
    then = function(onFulfilled = NULL, onRejected = NULL) {
      promise_then(x, onFulfilled, onRejected)
    },
    catch = function(onRejected) promise_then(x, NULL, onRejected),
    finally = function(onFinally) promise_finally(x, onFinally)
  )
}

# The async package has a class of the same name.
#' @export
`$.async` <- function(x, name) {
  if (is_own_promise(x)) `$.elsewhere_promise`(x, name) else NextMethod()
}

is_own_promise <- function(x) {
  length(x) == 1L && typeof(.subset2(x, 1L)) == "externalptr"
}

# The promises package keeps a promise's state in an object behind it, which its
# print() and some packages ask for `status()` and `format()`. Ours is the core.
#' @export
`$.elsewhere_promise_core` <- function(x, name) {
  switch(name,
    status = function() promise_status(x),
    format = function() format.elsewhere_promise(x)
  )
}

#' @export
print.elsewhere_promise_core <- function(x, ...) {
  cat(format.elsewhere_promise(x), "\n", sep = "")
  invisible(x)
}

promise_status <- function(promise) {
  status <- .Call(ew_promise_state, promise)$status
  c("pending", "fulfilled", "rejected")[[status]]
}

#' @export
format.elsewhere_promise <- function(x, ...) {
  or_of_other_process(format_promise(.Call(ew_promise_state, x)), "Promise")
}

format_promise <- function(state) {
  status <- c("pending", "fulfilled", "rejected")[[state$status]]
  if (status == "pending") return("<Promise [pending]>")
  sprintf("<Promise [%s: %s]>", status, class(state$value)[[1L]])
}

#' @export
print.elsewhere_promise <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}
