#' Collect values into a vector
#'
#' `gather()` takes all values of a channel. `collect()` calls a function that
#' may call `emit(value)` any number of times, and returns all these values.
#' `collector()` also passes the function `extract()`, which returns the values
#' collected so far.
#'
#' @param ch A [channel()].
#' @param type A vector whose type (and class) the result has; `list()` by
#'   default.
#' @param fn For `collect()` a function of `emit`; for `collector()` a function
#'   of `emit` and `extract`. `emit(value, name = NULL)` returns its value.
#' @return `gather()`: a promise of the vector. If the channel ends with an
#'   error, the promise is rejected with that error; its attribute
#'   `partialResults` holds the values before the error. `collect()`: the
#'   vector. `collector()`: the value of `fn`.
#' @section Errors:
#' * `elsewhere_bad_argument`: `fn` of `collect()` is not a function of `emit`.
#' @examples
#' collect(type = 0, function(emit) {
#'   total <- 0
#'   for (i in 1:4) total <- emit(total + i)
#' })
#' gather(stream(for (i in 1:3) yield(i)), type = 0)$then(print)
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
gather <- function(ch, type = list()) {
  if (!is.channel(ch)) ch <- channel(ch)
  collector(type = type, function(emit, extract) {
    new_promise(function(resolve, reject) {
      subscribe(
        ch,
        onNext = emit,
        onError = function(error) {
          attr(error, "partialResults") <- extract()
          reject(error)
        },
        onClose = function() resolve(extract())
      )
    })
  })
}

#' @rdname gather
#' @export
collect <- function(fn, type = list()) {
  if (!is.function(fn) || inherits(fn, c("channel", "iter", "promise"))) {
    abort_argument("fn", paste(
      "a function of `emit` (use gather() for a channel or stream, as.list()",
      "for a generator)"
    ), fn)
  }
  collector(type = type, function(emit, extract) {
    fn(emit)
    extract()
  })
}

#' @rdname gather
#' @export
collector <- function(fn, type = list()) {
  count <- 0L
  values <- vector("list", 16L)
  names <- NULL
  emit <- function(value, name = NULL) {
    force(value)
    count <<- count + 1L
    if (count > length(values)) length(values) <<- 2L * count
    values[count] <<- list(value)
    if (!is.null(name)) {
      if (is.null(names)) names <<- character()
      names[[count]] <<- name
    }
    value
  }
  extract <- function() as_type(values[seq_len(count)], type, names, count)
  fn(emit, extract)
}

as_type <- function(values, type, names, count) {
  if (!is.null(names)) {
    length(names) <- count
    names[is.na(names)] <- ""
  }
  out <- if (is.list(type)) {
    values
  } else {
    vapply(values, function(value) value, type[NA_integer_][[1L]])
  }
  if (!is.null(names)) names(out) <- names
  out
}

#' @exportS3Method promises::as.promise
as.promise.channel <- function(x) gather(x)

#' Merge promises and channels into one channel
#'
#' @param ... Promises and channels.
#' @return A [channel()] that emits their values in the order of arrival. It
#'   closes when all of them have ended, or with the first error.
#' @examples
#' both <- combine(delay(0.02, "later"), stream(for (i in 1:2) yield(i)))
#' gather(both)$then(str)
#' \dontshow{while (!later::loop_empty()) later::run_now(0.1)}
#' @export
combine <- function(...) {
  sources <- list(...)
  channel(function(emit, reject, close) {
    open <- length(sources)
    ended <- function(...) {
      open <<- open - 1L
      if (open == 0L) close()
    }
    if (open == 0L) close()
    for (source in sources) combine_one(source, emit, reject, ended)
  })
}

combine_one <- function(source, emit, reject, ended) {
  if (is.channel(source)) {
    subscribe(source, emit, reject, ended)
  } else {
    promises::then(
      source,
      function(value) {
        emit(value)
        ended()
      },
      reject
    )
  }
}

#' Run a generator's code, or a lazy future, at once
#'
#' `run(expr)` runs code as [gen()] would, in the calling environment, and
#' collects the values it yields. `run(function(...) ...)` creates a function
#' whose calls do so. If its argument evaluates to a future that was not
#' started, `run()` starts that future; [value()] and [resolved()] do so by
#' themselves.
#'
#' @inheritParams async
#' @inheritParams gather
#' @inheritParams gen
#' @param debugInternal Accepted for compatibility with the async package; it
#'   has no effect.
#' @param future Instead of `expr`: a future that was created with
#'   `lazy = TRUE`.
#' @return If `expr` contains `yield()` or `yieldFrom()`, a vector of the
#'   yielded values; otherwise the value of `expr`. For a future: the future,
#'   invisibly.
#' @section Errors:
#' * `FutureError`: the future has been started already.
#' @examples
#' run(type = 0, for (i in 1:20) if (i %% 7 == 0) yield(i))
#'
#' f <- future(1 + 1, lazy = TRUE)
#' run(f)
#' value(f)
#' @export
run <- function(expr, type = list(), ..., split_pipes = FALSE, trace = NULL,
                debugR = FALSE, debugInternal = FALSE, future) {
  if (!missing(future)) return(run_future(future))
  if (missing(split_pipes)) split_pipes <- TRUE
  expr <- substitute(expr)
  env <- parent.frame()
  settings <- coroutine_settings(trace, debugR)
  if (is_function_expression(expr)) {
    settings$type <- type
    settings$yields <- contains_yield(expr)
    return(
      coroutine_function(expr, env, "run", split_pipes, settings, run_call)
    )
  }
  program <- compile_body(expr, env, "run", split_pipes)
  parent <- sys.parent()
  frame <- if (program[[program_needs_frame]]) block_frame(env, parent)
  coroutine <- new_coroutine(program, env, "run", settings, NULL, frame)
  result <- withVisible(run_to_end(coroutine, type, contains_yield(expr)))
  value <- result$value
  if (inherits(value, "elsewhere_future")) return(run_future(value))
  if (result$visible) value else invisible(value)
}

run_call <- function(program, settings, frame, call, info) {
  force_arguments(frame)
  coroutine <- new_coroutine(program, frame, "run", settings, call, info)
  run_to_end(coroutine, settings$type, settings$yields)
}

contains_yield <- function(expr) {
  any(.Call(ew_eval_words, "yield") %in% all.names(expr))
}

# What was yielded; the value of the code, if it has no yield() at all.
run_to_end <- function(coroutine, type, yields) {
  if (!yields) return(run_coroutine(coroutine, identity))
  collect(type = type, function(emit) run_coroutine(coroutine, emit))
}

# Each yield goes to `emit`. The value of the code.
run_coroutine <- function(coroutine, emit) {
  repeat {
    value <- .Call(ew_gen_resume, coroutine, 2L, NULL)
    if (identical(value, coroutine)) break
    emit(value)
  }
  state <- .Call(ew_eval_state, coroutine)
  if (state$visible) state$result else invisible(state$result)
}
