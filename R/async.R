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
#' An error never leaves `async()` itself: it rejects the promise.
#'
#' @param expr An expression, or a `function(...)` expression.
#' @param ... Not used; must be empty.
#' @param split_pipes `TRUE` (the default) or `FALSE`. With `FALSE`, `await()`
#'   may not stand in the arguments of ordinary functions, only in control flow
#'   and assignments.
#' @param trace `NULL` (the default), or a function of one string that is called
#'   at each step; [with_prefix()] makes one, `cat` is another.
#' @param compileLevel,debugR,debugInternal Accepted for compatibility with the
#'   async package; they change nothing.
#' @return A promise (class `c("async", "promise")`) as the promises package
#'   knows it. For a function expression, a function with the same arguments that
#'   returns one.
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
  trace <- check_trace(trace)
  if (is_function_expression(expr)) {
    return(async_function(expr, env, split_pipes, trace))
  }
  scope <- new.env(parent = env)
  program <- .Call(ew_eval_compile, expr, scope, body_kind[["async"]], !split_pipes)
  coroutine <- .Call(
    ew_eval_new, program, scope, body_kind[["async"]], trace, NULL
  )
  .Call(ew_async_start, coroutine, async_class)
}

async_class <- c("async", "promise")

body_kind <- c(gen = 0L, async = 1L, stream = 2L, run = 3L)

is_function_expression <- function(expr) {
  is.call(expr) && identical(expr[[1L]], quote(`function`))
}

check_trace <- function(trace) {
  if (!is.null(trace)) check_function(trace, "trace")
  trace
}

# A function with the same arguments whose body is one call: its frame becomes
# the environment of the task, so match.arg(), missing() and sys.call() work.
async_function <- function(expr, env, split_pipes, trace) {
  program <- .Call(
    ew_eval_compile, expr[[3L]], env, body_kind[["async"]], !split_pipes
  )
  made <- eval(expr[1:3], env)
  body(made) <- as.call(list(
    async_call, program, trace, quote(environment()), quote(sys.call())
  ))
  made
}

async_call <- function(program, trace, frame, call) {
  force_arguments(frame)
  coroutine <- .Call(
    ew_eval_new, program, frame, body_kind[["async"]], trace, call
  )
  # A return() that R may force inside another function needs a frame of its own
  # to return from; otherwise the call's own frame is the real thing.
  if (program[[program_needs_eval]]) {
    .Call(ew_async_start, coroutine, async_class)
  } else {
    .Call(ew_async_start_in_closure, coroutine, async_class)
  }
}

# The slot of a program that says so (program.h).
program_needs_eval <- 4L

# Arguments that were given are evaluated now: a loop that starts tasks would
# otherwise give them all its last value. Defaults stay lazy.
force_arguments <- function(frame) {
  for (name in ls(frame, all.names = TRUE, sorted = FALSE)) {
    if (name == "...") {
      eval(quote(list(...)), frame)
    } else if (!eval(call("missing", as.name(name)), frame)) {
      get(name, envir = frame)
    }
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
      ")` was called outside of a task. Write it in the body of async({...}) or ",
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
#' @return A function that prints its arguments after the prefix, for the `trace`
#'   argument of [async()] and [gen()].
#' @examples
#' async(1 + 1, trace = with_prefix("sum"))
#' @export
with_prefix <- function(prefix) {
  force(prefix)
  function(...) cat(paste0(prefix, ": ", ...), sep = "")
}

#' @export
format.async <- function(x, ...) format.elsewhere_promise(x, ...)

#' @export
print.async <- function(x, ...) {
  owner <- .Call(ew_promise_state, x)$owner
  source <- .Call(ew_eval_state, owner)$source
  cat("async(", paste(deparse(source), collapse = "\n"), ")\n", sep = "")
  cat(format(x), "\n", sep = "")
  invisible(x)
}
