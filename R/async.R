#' Run sequential code that waits without blocking
#'
#' `async({...})` runs its expression at once, up to the first [await()] of
#' something that is not there yet. It then returns, and the rest runs when what
#' is awaited has settled, while R is free to do other things. The result is a
#' promise: of the value of the expression, or of the error that ended it.
#' `async(function(...) ...)` makes a function whose calls are such tasks.
#'
#' `await()` may stand anywhere in the body: in conditions, in loops, in
#' [tryCatch()] with any handlers, in [switch()], [local()],
#' [withCallingHandlers()], in the arguments of any call and in the index of an
#' assignment. Only a function *defined* in the body is its own: to pause in it,
#' make it `async(function(...) ...)`.
#'
#' An error never leaves `async()` itself: it rejects the promise. On its way
#' through tasks that await each other, the condition collects where each of
#' them stood, in its field `async_trace`.
#'
#' The body has an environment of its own, a child of the one around: an
#' assignment by `<-` stays in the task, `<<-` assigns outside. `sys.call()`,
#' `parent.frame()`, `match.arg(x)` and `missing(x)` in the body answer for the
#' function it stands in. A handler of `tryCatch()` may also be an expression
#' (a value, `break`, `return(x)`, a block): it is evaluated when the condition
#' has been caught. Should a task wait for something that nobody can settle any
#' more, it is collected as garbage, and its `finally` and `on.exit()` code
#' runs.
#'
#' @param expr An expression, or a `function(...)` expression.
#' @param ... Not used; must be empty.
#' @param split_pipes `TRUE` (the default) or `FALSE`. With `FALSE`, `await()`
#'   may not stand in the arguments of ordinary functions, only in control flow
#'   and assignments.
#' @param trace `NULL` (the default), or a function of one string that is called
#'   at each step; [with_prefix()] makes one, `cat` is another.
#' @param debugR `TRUE` enters [browser()] before each step of the body; see
#'   [debugAsync()]. `FALSE` by default.
#' @param compileLevel,debugInternal Accepted for compatibility with the async
#'   package; they change nothing.
#' @return A promise (class `c("async", "promise")`) as the promises package
#'   knows it. For a function expression, a function with the same arguments
#'   that returns one.
#' @section Errors:
#' * `elsewhere_cannot_pause`: `await()` stands where a pause is not possible;
#'   the message names the place.
#' * `elsewhere_await_inside_function`: it stands in a function defined in the
#'   body.
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

# The frame of the function's call is the body's environment, so match.arg(),
# missing() and sys.call() work.
async_call <- function(program, settings, frame, call, info) {
  force_arguments(frame)
  coroutine <- new_coroutine(program, frame, "async", settings, call, info)
  # A return() that R may force inside another function, or an on.exit(), needs
  # a frame of its own; otherwise the call's own frame is the real thing.
  if (program[[program_needs_eval]]) {
    .Call(ew_async_start, coroutine, async_class)
  } else {
    .Call(ew_async_start_in_closure, coroutine, async_class)
  }
}

#' Wait for a promise inside a task
#'
#' @param prom What to wait for: a promise, anything that
#'   [promises::as.promise()] knows (futures, sessions, ...), or a plain value,
#'   which is given back at once.
#' @param error What to do if it is rejected, instead of an error: a function of
#'   the condition, or an expression such as a value, `break` or `return(x)`.
#' @return The value of the promise. If it is rejected, `await()` is an error
#'   with its reason.
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
      ")` was called outside of a task. Write it in the body of async({...}) ",
      "or ",
      "async(function(...) ...); a function that is called from there, or ",
      "defined there, must be async(function(...) ...) itself."
    ),
    "elsewhere_await_outside"
  )
}

shorten <- function(expr, limit = 40L) {
  text <- paste(deparse(expr), collapse = " ")
  if (nchar(text) > limit) paste0(substr(text, 1L, limit - 3L), "...") else text
}

#' Make a trace function that puts a prefix before each line
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
