# Ending tasks early, and running several of them together.

cancelled_condition <- function(reason = NULL) {
  if (inherits(reason, "elsewhere_cancelled")) return(reason)
  text <- if (is.null(reason)) {
    "The task was cancelled."
  } else {
    paste0("The task was cancelled: ", reason)
  }
  errorCondition(text,
    reason = reason,
    class = c("cancelled", "elsewhere_cancelled", "elsewhere_error")
  )
}

timeout_condition <- function(secs) {
  errorCondition(
    sprintf("It took longer than %s seconds.", format(secs)),
    seconds = secs,
    class = c("timeout", "elsewhere_timeout", "elsewhere_error")
  )
}

#' @rdname cancel
#' @param reason For tasks and promises: why, as one string; it becomes part of
#'   the condition's message. `NULL` by default.
#' @details
#' Cancelling an [async()] task raises a condition of class `cancelled` (an
#' error) at the place where the task waits: its `finally` and `on.exit()` code
#' runs, and may itself wait. What the task was waiting for is cancelled too,
#' unless something else waits for it. A promise is rejected with the condition,
#' and its source (a timer, a future) is cancelled.
#' @export
cancel.async <- function(x, interrupt = TRUE, ..., reason = NULL) {
  if (!is_own_promise(x)) return(NextMethod())
  state <- .Call(ew_promise_state, x)
  if (state$status != 1L) return(invisible(FALSE))
  invisible(cancel_coroutine(state$owner, reason, interrupt))
}

#' @export
cancel.stream <- function(x, interrupt = TRUE, ..., reason = NULL) {
  state <- channel_state(x)
  if (state$closed) return(invisible(FALSE))
  invisible(cancel_coroutine(state$coroutine, reason, interrupt))
}

cancel_coroutine <- function(coroutine, reason, interrupt) {
  task <- .Call(ew_eval_state, coroutine)
  if (task$status == 1L) {
    # It runs right now, and called this: it ends at its next pause.
    later::later(function() cancel_coroutine(coroutine, reason, interrupt))
    return(TRUE)
  }
  .Call(ew_async_raise, coroutine, cancelled_condition(reason))
  awaited <- task$awaited
  if (is_native_promise(awaited) &&
    .Call(ew_promise_state, awaited)$waiters <= 1L) {
    cancel(awaited, interrupt = interrupt, reason = reason)
  }
  TRUE
}

#' @export
cancel.elsewhere_promise <- function(x, interrupt = TRUE, ..., reason = NULL) {
  state <- .Call(ew_promise_state, x)
  if (state$status != 1L) return(invisible(FALSE))
  if (is.function(state$owner)) state$owner()
  .Call(ew_promise_reject, x, cancelled_condition(reason))
  invisible(TRUE)
}

# A promise of another package cannot be cancelled.
#' @export
cancel.promise <- function(x, interrupt = TRUE, ...) invisible(FALSE)

#' @export
cancel.default <- function(x, interrupt = TRUE, ...) {
  if (inherits(x, "Future") && requireNamespace("future", quietly = TRUE)) {
    return(invisible(future::cancel(x, interrupt = interrupt, ...)))
  }
  abort_argument("x", "a future, an async task, or a list of futures", x)
}

# Calls back once x has settled, whosever promise it is.
on_settled <- function(x, callback) {
  if (is_native_promise(x)) {
    promise_when_settled(x, callback)
  } else {
    promises::then(
      x,
      function(value) callback(TRUE, value),
      function(reason) callback(FALSE, reason)
    )
  }
  invisible()
}

as_any_promise <- function(value) {
  value <- as_awaitable(value)
  if (inherits(value, "promise")) return(value)
  promise <- pending_promise()
  .Call(ew_promise_resolve, promise, value, TRUE)
  promise
}

settle_like <- function(promise, fulfilled, value) {
  if (fulfilled) {
    .Call(ew_promise_resolve, promise, value, TRUE)
  } else {
    .Call(ew_promise_reject, promise, value)
  }
}

#' Set a time limit
#'
#' @param x A task, a promise, or anything that can be awaited.
#' @param secs Seconds, 0 or more.
#' @return A promise of the value of `x`. If `x` has not settled after `secs`
#'   seconds, it is cancelled, and the promise is rejected with a condition of
#'   class `timeout`.
#' @section Errors:
#' * `elsewhere_bad_argument`: `secs` is not one number, 0 or more.
#' * `timeout`, `elsewhere_timeout`: the condition that rejects the promise.
#' @examples
#' slow <- with_timeout(delay(10, "never"), 0.01)
#' slow$catch(function(e) cat(conditionMessage(e), "\n"))
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
with_timeout <- function(x, secs) {
  check_seconds(secs, "secs")
  x <- as_any_promise(x)
  promise <- pending_promise()
  if (is.infinite(secs)) {
    stop_timer <- function() NULL
  } else {
    stop_timer <- later::later(function() {
      .Call(ew_promise_reject, promise, timeout_condition(secs))
      cancel(x, reason = "it took too long")
    }, secs)
  }
  .Call(ew_promise_set_owner, promise, function() {
    stop_timer()
    cancel(x)
  })
  on_settled(x, function(fulfilled, value) {
    stop_timer()
    settle_like(promise, fulfilled, value)
  })
  promise
}

#' Wait for a task or promise in a script
#'
#' Blocks, but runs tasks and timers while it waits. In the body of a task use
#' [await()] instead, which does not block.
#'
#' @inheritParams with_timeout
#' @param timeout Seconds to wait. `Inf` (the default) waits forever.
#' @return The value of `x`, visible or invisible as in its code. If `x` is
#'   rejected, its condition is raised as an error.
#' @section Errors:
#' * `elsewhere_bad_argument`: `timeout` is not one number, 0 or more.
#' * `timeout`, `elsewhere_timeout`: `timeout` seconds have passed; `x` keeps
#'   running.
#' @examples
#' wait_for(async(await(delay(0.01, 1)) + 1))
#' @export
wait_for <- function(x, timeout = Inf) {
  check_seconds(timeout, "timeout")
  outcome <- NULL
  promise <- as_any_promise(x)
  on_settled(promise, function(fulfilled, value) {
    outcome <<- list(fulfilled = fulfilled, value = value)
  })
  deadline <- proc.time()[["elapsed"]] + timeout
  while (is.null(outcome)) {
    left <- deadline - proc.time()[["elapsed"]]
    if (left <= 0) stop(timeout_condition(timeout))
    later::run_now(min(left, 1))
  }
  if (!outcome$fulfilled) stop(outcome$value)
  is_visible <- !is_native_promise(promise) ||
    .Call(ew_promise_state, promise)$visible
  if (is_visible) outcome$value else invisible(outcome$value)
}

#' Run a group of tasks
#'
#' `task_group(function(tg) ...)` calls the function, which starts tasks with
#' `tg$start(task)`. The group ends when the function and all its tasks have
#' ended. If one task fails, the others are cancelled.
#'
#' @param fn A function of one argument, the group. If it uses [await()], it is
#'   treated as `async(function(tg) ...)`. `tg$start(x)` adds a task or a
#'   promise to the group and returns it; `tg$cancel(reason)` cancels all that
#'   have not settled.
#' @return A promise of the value of `fn`. It settles only after every task has;
#'   if one failed, it is rejected with the first failure.
#' @section Errors:
#' * `elsewhere_bad_argument`: `fn` is not a function.
#' @examples
#' group <- task_group(function(tg) {
#'   first <- tg$start(async(await(delay(0.01, 1))))
#'   second <- tg$start(async(await(delay(0.01, 2))))
#'   await(first) + await(second)
#' })
#' wait_for(group)
#' @export
task_group <- function(fn) {
  check_function(fn, "fn")
  fn <- async_if_pausing(fn)
  group <- new_group()
  group$promise <- pending_promise()
  result <- tryCatch(fn(group$handle), error = identity)
  if (inherits(result, "error")) {
    group_failed(group, result)
  } else {
    group_add(group, as_any_promise(result), function(value) {
      group$value <- value
    })
  }
  group$open <- FALSE
  group_settle(group)
  .Call(ew_promise_set_owner, group$promise, function() group_cancel(group))
  group$promise
}

# A function that pauses can only be an async one, so it need not be said.
async_if_pausing <- function(f) {
  if (is.primitive(f) || !.Call(ew_eval_pauses, body(f))) return(f)
  written <- call("function", formals(f), body(f))
  eval(as.call(list(async, written)), environment(f))
}

new_group <- function() {
  group <- new.env(parent = emptyenv())
  group$members <- list()
  group$running <- 0L
  group$failure <- NULL
  group$value <- NULL
  group$open <- TRUE
  group$handle <- list(
    start = function(x) {
      x <- as_any_promise(x)
      group_add(group, x)
      x
    },
    cancel = function(reason = NULL) group_cancel(group, reason)
  )
  group
}

group_add <- function(group, x, on_value = function(value) NULL) {
  group$running <- group$running + 1L
  group$members <- c(group$members, list(x))
  on_settled(x, function(fulfilled, value) {
    group$running <- group$running - 1L
    if (fulfilled) on_value(value) else group_failed(group, value)
    group_settle(group)
  })
}

group_failed <- function(group, reason) {
  if (!is.null(group$failure)) return()
  group$failure <- reason
  group_cancel(group, "another task of its group failed")
}

group_cancel <- function(group, reason = NULL) {
  for (member in group$members) cancel(member, reason = reason)
}

group_settle <- function(group) {
  if (group$open || group$running > 0L) return()
  if (is.null(group$failure)) {
    .Call(ew_promise_resolve, group$promise, group$value, TRUE)
  } else {
    .Call(ew_promise_reject, group$promise, group$failure)
  }
}

#' Apply an asynchronous function to each element
#'
#' @param x A vector or list.
#' @param f A function of one element and `...`. If it uses [await()], it is
#'   treated as `async(function(element) ...)`. What it returns is awaited.
#' @param ... Passed on to `f`.
#' @param concurrency How many calls may run at the same time. `Inf` (the
#'   default): all of them.
#' @return A promise of the list of values, in the order of `x` and with its
#'   names. The first failure cancels the other calls and rejects the promise.
#' @section Errors:
#' * `elsewhere_bad_argument`: `concurrency` is not one number, 1 or more.
#' @examples
#' squares <- async_map(1:4, function(i) {
#'   await(delay(0.01))
#'   i^2
#' }, concurrency = 2)
#' str(wait_for(squares))
#' @export
async_map <- function(x, f, ..., concurrency = Inf) {
  check_function(f, "f")
  f <- async_if_pausing(f)
  if (!is.numeric(concurrency) || length(concurrency) != 1L ||
    is.na(concurrency) || concurrency < 1) {
    abort_argument("concurrency", "one number, 1 or more", concurrency)
  }
  force(list(...))
  call_f <- in_this_context(function(element) f(element, ...))
  values <- vector("list", length(x))
  names(values) <- names(x)
  task_group(function(tg) {
    begun <- 0L
    done <- pending_promise()
    left <- length(x)
    begin_next <- function() {
      if (begun >= length(x)) return()
      begun <<- begun + 1L
      at <- begun
      call <- tryCatch(
        as_any_promise(call_f(x[[at]])),
        error = function(error) {
          failed <- pending_promise()
          .Call(ew_promise_reject, failed, error)
          failed
        }
      )
      tg$start(call)
      on_settled(call, function(fulfilled, value) {
        if (!fulfilled) return(.Call(ew_promise_reject, done, value))
        values[at] <<- list(value)
        left <<- left - 1L
        if (left == 0L) .Call(ew_promise_resolve, done, values, TRUE)
        begin_next()
      })
    }
    if (left == 0L) .Call(ew_promise_resolve, done, values, TRUE)
    for (i in seq_len(min(concurrency, length(x)))) begin_next()
    done
  })
}

#' Limit how many tasks run at the same time
#'
#' @param n How many tasks may hold the semaphore at the same time, 1 or more.
#' @return A list of functions: `acquire()` returns a promise that is fulfilled
#'   when the caller holds the semaphore (first come, first served), `release()`
#'   gives it up, and `with(expr)`, for a promise or task `expr`, holds it while
#'   `expr` runs.
#' @section Errors:
#' * `elsewhere_bad_argument`: `n` is not one number, 1 or more.
#' @examples
#' gate <- semaphore(1)
#' one <- async(function(name) {
#'   await(gate$acquire())
#'   on.exit(gate$release())
#'   cat(name, "\n")
#'   await(delay(0.01))
#' })
#' wait_for(promises::promise_all(one("first"), one("second")))
#' @export
semaphore <- function(n) {
  if (!is.numeric(n) || length(n) != 1L || is.na(n) || n < 1) {
    abort_argument("n", "one number, 1 or more", n)
  }
  free <- n
  waiting <- new_fifo()
  acquire <- function() {
    if (free > 0) {
      free <<- free - 1
      return(fulfilled_promise())
    }
    promise <- pending_promise()
    fifo_push(waiting, promise)
    promise
  }
  release <- function() {
    while (waiting$length > 0L) {
      promise <- fifo_pop(waiting)
      # One who was cancelled while waiting does not want it any more.
      if (promise_status(promise) != "pending") next
      .Call(ew_promise_resolve, promise, NULL, FALSE)
      return(invisible())
    }
    free <<- min(free + 1, n)
    invisible()
  }
  list(
    acquire = acquire,
    release = release,
    with = async(function(expr) {
      await(acquire())
      on.exit(release())
      await(expr)
    })
  )
}

#' Create a stream that ticks at regular times
#'
#' @param secs Seconds between two ticks.
#' @return A [stream()] of 1, 2, 3, ...; the first request starts the clock. It
#'   never closes; [cancel()] ends it.
#' @section Errors:
#' * `elsewhere_bad_argument`: `secs` is not one number, 0 or more.
#' @examples
#' wait_for(async(for (i in interval(0.01)) if (i == 3) break))
#' @export
interval <- function(secs) {
  check_seconds(secs, "secs")
  stream({
    count <- 0
    start <- proc.time()[["elapsed"]]
    repeat {
      count <- count + 1
      due <- start + count * secs
      await(delay(max(0, due - proc.time()[["elapsed"]])))
      yield(count)
    }
  })
}

#' @export
close.generator <- function(con, ...) {
  if (!is_own_generator(con)) return(NextMethod())
  coroutine <- environment(con)$coroutine
  .Call(ew_gen_resume, coroutine, 4L, NULL)
  invisible()
}
