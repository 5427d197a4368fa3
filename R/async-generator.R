#' Create an iterator from sequential code
#'
#' `gen({...})` creates an iterator, called a generator. Its code does not start
#' until the first value is requested. It then runs to the first [yield()],
#' returns that value, and continues from there at the next request.
#' `gen(function(...) ...)` creates a function whose calls are such iterators.
#'
#' Request values of a generator `g` with `nextOr(g, or)` or `g(or)`, with
#' `iterators::nextElem(g)`, with [as.list()], or with a `for` loop in the body
#' of another generator or task.
#'
#' @inheritParams async
#' @param split_pipes `FALSE` (the default, as in the async package) or `TRUE`.
#'   `yield()` may be used anywhere with either default; only if you pass
#'   `FALSE` yourself is it refused in the arguments of ordinary functions.
#' @param value The value to return to the consumer.
#' @return `gen()`: a function of class
#'   `c("generator", "coroutine", "iteror", "iter")`. `yield()`: its value, or
#'   what the consumer sent with `g(send = )`.
#' @section Errors:
#' * `elsewhere_yield_outside`: `yield()`, `yieldFrom()` or `goto()` was called
#'   outside of a body that it can pause.
#' * `elsewhere_bad_argument`: an option is invalid.
#' @examples
#' fibonacci <- gen({
#'   pair <- c(0, 1)
#'   repeat {
#'     yield(pair[[1]])
#'     pair <- c(pair[[2]], sum(pair))
#'   }
#' })
#' for (i in 1:5) print(nextOr(fibonacci))
#' @export
gen <- function(expr, ..., split_pipes = FALSE, trace = NULL,
                compileLevel = 0, debugR = FALSE, debugInternal = FALSE) {
  expr <- substitute(expr)
  if (missing(split_pipes)) split_pipes <- TRUE
  env <- parent.frame()
  settings <- coroutine_settings(trace, debugR)
  if (is_function_expression(expr)) {
    return(
      coroutine_function(expr, env, "gen", split_pipes, settings, gen_call)
    )
  }
  parent <- sys.parent()
  new_generator(block_coroutine(
    expr, env, "gen", split_pipes, settings, block_frame(env, parent)
  ))
}

gen_call <- function(program, settings, frame, call, info) {
  force_arguments(frame)
  new_generator(new_coroutine(program, frame, "gen", settings, call, info))
}

generator_class <- c("generator", "coroutine", "iteror", "iter")

new_generator <- function(coroutine) {
  # What the function keeps is the coroutine, which lets go of the rest itself.
  scope <- new.env(parent = topenv())
  scope$coroutine <- coroutine
  generator <- generator_function
  environment(generator) <- scope
  class(generator) <- generator_class
  generator
}

utils::globalVariables("coroutine")
generator_function <- function(or = stop("StopIteration", call. = FALSE),
                               send) {
  .External2(ew_gen_ask, coroutine)
}

#' Jump to another alternative of a `switch()`
#'
#' In the body of [gen()], [async()], [stream()] or [run()], `goto()` continues
#' at another alternative of the surrounding [switch()]. `finally` and
#' `on.exit()` code runs first, as for any other jump. A `switch()` with a
#' `goto()` in it is strict: it is an error if no alternative matches.
#'
#' @param branch The name or number of an alternative. Without it, `goto()`
#'   evaluates the first argument of `switch()` again.
#' @return It does not return.
#' @section Errors:
#' * `elsewhere_yield_outside`: `goto()` was called outside of such a body.
#' @examples
#' run(type = 0, switch("a",
#'   a = {
#'     yield(1)
#'     goto("b")
#'   },
#'   b = yield(2)
#' ))
#' @export
goto <- function(branch = NULL) {
  abort(
    paste0(
      "`goto(", shorten(substitute(branch)),
      ")` was called outside of a switch() in the body of gen({...}), ",
      "async({...}), stream({...}) or run({...})."
    ),
    "elsewhere_yield_outside"
  )
}

#' @rdname gen
#' @export
yield <- function(value) {
  abort(
    paste0(
      "`yield(", shorten(substitute(value)),
      ")` was called outside of a generator. ",
      "Use it in the body of gen({...}) ",
      "or gen(function(...) ...)."
    ),
    "elsewhere_yield_outside"
  )
}

#' Get the next value of an iterator
#'
#' @param obj A generator, another iterator (of the iterators or iterors
#'   packages), or a function that returns the next value.
#' @param or Evaluated and returned when there are no more values.
#' @param ... Passed on to the method.
#' @return The next value, or `or`. For a [channel()], a promise of it.
#' @section Errors:
#' * An error with the message `StopIteration`: there are no more values, and
#'   `or` is missing.
#' * `elsewhere_bad_argument`: `obj` is not an iterator or a function.
#' @examples
#' letters_of <- gen(for (letter in c("a", "b")) yield(letter))
#' nextOr(letters_of, "end")
#' nextOr(letters_of, "end")
#' nextOr(letters_of, "end")
#' @export
nextOr <- function(obj, or, ...) UseMethod("nextOr")

#' @export
nextOr.generator <- function(obj, or = stop("StopIteration", call. = FALSE),
                             ...) {
  # `obj` takes the same `or`, and asks for it only when it has ended.
  obj(or)
}

#' @export
nextOr.default <- function(obj, or, ...) {
  if (inherits(obj, "iteror")) return(obj(or = or))
  if (inherits(obj, "iter")) {
    end <- new.env()
    value <- tryCatch(
      iterators::nextElem(obj),
      error = function(error) {
        if (!identical(conditionMessage(error), "StopIteration")) stop(error)
        end
      }
    )
    return(if (identical(value, end)) or else value)
  }
  if (is.function(obj)) {
    value <- obj()
    return(if (identical(value, exhausted_mark)) or else value)
  }
  abort_argument("obj", "an iterator or a function", obj)
}

#' @exportS3Method iterators::nextElem generator
nextElem.generator <- function(obj, ...) nextOr.generator(obj)

# Other packages have classes of the same name.
is_own_generator <- function(x) {
  is.function(x) && typeof(environment(x)$coroutine) == "externalptr"
}

#' @export
as.list.generator <- function(x, n = Inf, ...) {
  if (!is_own_generator(x)) return(NextMethod())
  coroutine <- environment(x)$coroutine
  values <- list()
  count <- 0
  while (count < n) {
    value <- .Call(ew_gen_resume, coroutine, 2L, NULL)
    if (identical(value, coroutine)) break
    count <- count + 1
    values[count] <- list(value)
  }
  values
}

# For the evaluator: the next item of what a `for` loop or yieldFrom() goes
# through, in a list; the pointer `no_item` at the end.
eval_next_item <- function(source) {
  if (inherits(source, "channel")) return(channel_item(channel_state(source)))
  end <- no_item$pointer
  value <- nextOr(source, end)
  if (identical(value, end)) return(end)
  # An asynchronous generator of the coro package gives promises of its values.
  if (!inherits(source, "generator") && inherits(value, "promise")) {
    return(promised_item(value))
  }
  list(value)
}

# A loop that is left early closes an iterator that nobody else has.
eval_close_iterator <- function(source) {
  if (inherits(source, "coro_generator_instance")) {
    source(close = TRUE)
  } else if (inherits(source, "stream") && !is.null(channel_state(source))) {
    cancel(source, reason = "the loop over its values has ended")
  } else if (inherits(source, "generator") && is_own_generator(source)) {
    if (generator_rests(environment(source)$coroutine)) close(source)
  }
  NULL
}

# Where an error is on its way already.
eval_close_quietly <- function(source) {
  tryCatch(eval_close_iterator(source), error = report_closing_error)
}

report_closing_error <- function(error) {
  cat(
    "Error while closing an iterator or task: ", conditionMessage(error),
    "\n", sep = "", file = stderr()
  )
}

# Neither running nor ended.
generator_rests <- function(coroutine) {
  .Call(ew_eval_state, coroutine)$status %in% c(0L, 2L)
}

promised_item <- function(promise) {
  new_promise(function(resolve, reject) {
    promises::then(promise, function(value) {
      is_end <- identical(value, exhausted_mark)
      resolve(if (is_end) no_item$pointer else list(value))
    }, reject)
  })
}

no_item <- new.env()

is_iterable_object <- function(value) {
  is.function(value) || inherits(value, c("iter", "iteror", "channel"))
}

# A generator of ours for coro's own loop() and collect(), and its generators.
share_generators_with_coro <- function() {
  space <- asNamespace("coro")
  # A coro without that generic does not ask.
  if (!is.function(get0("as_iterator", space))) return(invisible())
  registerS3method(
    "as_iterator", "generator",
    function(x) if (is_own_generator(x)) coro_iterator(x) else x, space
  )
}

coro_iterator <- function(generator) {
  force(generator)
  function(close = FALSE) {
    if (!close) return(generator(exhausted_mark))
    if (generator_rests(environment(generator)$coroutine)) close(generator)
    exhausted_mark
  }
}

# What iterators of the coro protocol give at their end.
exhausted_mark <- as.symbol(".__exhausted__.")
