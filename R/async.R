#' Run sequential code that waits without blocking
#'
#' `async({...})` runs its expression at once, up to the first [await()] of
#' something that is not ready yet. It then returns a promise. The rest of the
#' expression runs once the awaited promise has settled; meanwhile R is free to
#' do other things. The promise is fulfilled with the value of the expression,
#' or rejected with the error that ended it. `async(function(...) ...)` creates
#' a function whose calls are such tasks.
#'
#' `await()` may be used anywhere in the body: in conditions, in loops, in
#' [tryCatch()] with any handlers, in [switch()], [local()],
#' [withCallingHandlers()], in the arguments of any call and in the index of an
#' assignment. Only a function that is *defined* in the body is separate: to
#' pause in it, make it `async(function(...) ...)`.
#'
#' An error never leaves `async()` itself: it rejects the promise. If tasks
#' await each other, the field `async_trace` of the condition lists where each
#' of them was waiting.
#'
#' The body has its own environment, a child of the surrounding one: an
#' assignment by `<-` stays in the task, `<<-` assigns outside. `sys.call()`,
#' `parent.frame()`, `match.arg(x)` and `missing(x)` in the body refer to the
#' function around it. A handler of `tryCatch()` may also be an expression (a
#' value, `break`, `return(x)`, a block): it is evaluated once the condition has
#' been caught. A task that waits for something that can never settle any more
#' is garbage collected; its `finally` and `on.exit()` code then runs.
#'
#' @param expr An expression, or a `function(...)` expression.
#' @param ... Not used; must be empty.
#' @param split_pipes `TRUE` (the default) or `FALSE`. With `FALSE`, `await()`
#'   is not allowed in the arguments of ordinary functions, only in control flow
#'   and assignments.
#' @param trace `NULL` (the default), or a function of one string that is called
#'   at each step, such as `cat` or the result of [with_prefix()].
#' @param debugR `TRUE` enters [browser()] before each step of the body; see
#'   [debugAsync()]. `FALSE` by default.
#' @param compileLevel,debugInternal Accepted for compatibility with the async
#'   package; they have no effect.
#' @return A promise (class `c("async", "promise")`) that works with the
#'   promises package. For a function expression, a function with the same
#'   arguments that returns such a promise.
#' @section Errors:
#' * `elsewhere_cannot_pause`: `await()` is used where a pause is not possible;
#'   the message names the place.
#' * `elsewhere_await_inside_function`: `await()` is used in a function that is
#'   defined in the body.
#' @seealso [gen()] for code that gives values out instead of waiting for them.
#' @examples
#' task <- async({
#'   first <- await(delay(0.05, 1))
#'   first + await(delay(0.05, 2))
#' })
#' task$then(print)
#'
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' myAsync <- async(for (i in 1:4) {
#'   cat(i, "\n")
#' }, trace=with_prefix("myAsync"))
#' @export
async <- function(expr, ..., split_pipes = TRUE, trace = NULL,
                  compileLevel = 0, debugR = FALSE, debugInternal = FALSE) {
  expr <- substitute(expr)
  env <- parent.frame()
  settings <- coroutine_settings(trace, debugR)
  if (is_function_expression(expr)) {
    return(coroutine_function(
      expr, env, "async", split_pipes, settings, async_call
    ))
  }
  parent <- sys.parent()
  coroutine <- block_coroutine(
    expr, env, "async", split_pipes, settings, block_frame(env, parent)
  )
  .Call(ew_async_start, coroutine, async_class)
}

async_class <- c("async", "promise")

# The body's environment is the frame of the function's call, so match.arg(),
# missing() and sys.call() work.
async_call <- function(program, settings, frame, call, info) {
  force_arguments(frame)
  coroutine <- new_coroutine(program, frame, "async", settings, call, info)
  # on.exit(), and a return() that R may force inside another function, need a
  # separate frame; otherwise the body runs in the frame of the call.
  if (program[[program_needs_eval]]) {
    .Call(ew_async_start, coroutine, async_class)
  } else {
    .Call(ew_async_start_in_closure, coroutine, async_class)
  }
}

#' Wait for a promise inside a task
#'
#' @param prom What to wait for: a promise, anything that
#'   [promises::as.promise()] accepts (futures, sessions, ...), or a plain
#'   value, which is returned at once.
#' @param error What to do if the promise is rejected, instead of raising an
#'   error: a function of the condition, or an expression such as a value,
#'   `break` or `return(x)`.
#' @return The value of the promise. If the promise is rejected, `await()`
#'   raises its error.
#' @section Errors:
#' * `elsewhere_await_outside`: called outside [async()].
#' @examples
#' async(print(await(delay(0.01, "done"))))
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
await <- function(prom, error) {
  abort(
    paste0(
      "`await(", shorten(substitute(prom)),
      ")` was called outside of a task. Use it in the body of async({...}) ",
      "or ",
      "async(function(...) ...). A function that is called or defined in ",
      "that body must itself be async(function(...) ...)."
    ),
    "elsewhere_await_outside"
  )
}

shorten <- function(expr, limit = 40L) {
  text <- paste(deparse(expr), collapse = " ")
  if (nchar(text) > limit) paste0(substr(text, 1L, limit - 3L), "...") else text
}

#' Create a trace function that puts a prefix before each line
#'
#' @param prefix One string.
#' @return A function that prints its arguments after the prefix, for the
#'   `trace` argument of [async()] and [gen()].
#' @examples
#' async(1 + 1, trace = with_prefix("sum"))
#' @export
with_prefix <- function(prefix) {
  force(prefix)
  function(...) cat(paste0(prefix, ": ", ...), sep = "")
}
