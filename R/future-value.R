#' Get the value of a future
#'
#' Waits until the future has settled. Then prints its output, signals its
#' conditions in order, and returns its value or raises its error, unchanged. A
#' second call does the same again.
#'
#' @param future A `Future`, or a list, environment or listenv of futures and
#'   other objects. `values()` is an older name of `value()`; for a listenv it
#'   returns a listenv.
#' @param stdout `TRUE` (default) prints the captured output.
#' @param signal `TRUE` (default) signals conditions. `FALSE` signals none; if
#'   the future failed, its error is returned as the value.
#' @param drop `TRUE` forgets the value afterwards, so that its memory can be
#'   freed. Default: `FALSE`.
#' @param reduce For lists: a function of two values, or its name, that combines
#'   all values into one; its attribute `init` is the initial value. Default:
#'   none.
#' @param inorder For lists: `TRUE` (default) relays output and conditions in
#'   the order of the list, as soon as all futures before have settled; `FALSE`
#'   relays them in the order in which futures settle.
#' @param idxs For lists: which elements. Default: all.
#' @param ... Not used.
#' @return The value, visible or invisible as in the expression. For a list: a
#'   list with the same names and dimensions, with futures replaced by their
#'   values. For an environment, such a list with the names of its variables;
#'   for a listenv, with the names of its elements.
#' @section Errors:
#' The error of the expression itself, or
#' * `FutureInterruptError`: the worker died; the message says how.
#' * `FutureCanceledError`: the future was cancelled.
#' * `FutureLaunchError`: the future could not be started.
#' * `FutureDroppedError`: the value was dropped.
#' * `FutureError`: the future belongs to another process.
#'
#' If one future in a list fails, those that have not settled are cancelled.
#' @examples
#' f <- future({ message("working"); 42 })
#' value(f)
#' value(list(a = future(1), b = 2))
#' @export
value <- function(future, ...) UseMethod("value")

#' @rdname value
#' @export
value.elsewhere_future <- function(future, stdout = TRUE, signal = TRUE,
                                   drop = FALSE, ...) {
  if (!is.null(.subset2(future, "journal"))) {
    return(journaled_value(future, stdout, signal, drop))
  }
  outcome <- .subset2(future, "outcome")
  if (is.null(outcome)) outcome <- await_outcome(future)
  if (stdout && length(outcome$stdout)) relay_stdout(future, outcome)
  if (signal && length(outcome$conditions)) relay_conditions(future, outcome)
  error <- outcome_error(outcome)
  # An error is raised each time it is asked for.
  if (drop && is.null(error)) drop_future(future)
  if (!is.null(error)) {
    if (!signal) return(error)
    if (isTRUE(outcome$failed) && is.null(outcome$failure)) {
      note_signaled(future, length(.subset2(future, "outcome")$conditions))
    }
    stop(error)
  }
  if (signal && length(outcome$misuse)) signal_misuse(future, outcome)
  if (outcome$visible) outcome$value else invisible(outcome$value)
}

drop_future <- function(future) {
  future$outcome <- NULL
  future$task <- NULL
  class(future) <- c("DroppedFuture", class(future))
}

#' @rdname value
#' @export
values <- function(future, ...) {
  values <- value(future, ...)
  # As in the future package when value() had this name.
  if (inherits(future, "listenv") && is.list(values)) {
    with_shape(listenv::as.listenv(values), future)
  } else {
    values
  }
}

#' @export
value.default <- function(future, ...) {
  is_framework <- inherits(future, "Future")
  if (is_framework && requireNamespace("future", quietly = TRUE)) {
    return(future::value(future, ...))
  }
  if (holds_futures(future)) return(value.list(future, ...))
  future
}

# A list that holds futures is a container, whatever its class is.
holds_futures <- function(x) {
  is.list(x) && any(vapply(unclass(x), inherits, NA, "Future"))
}

#' @rdname value
#' @export
value.list <- function(future, idxs = NULL, reduce = NULL, stdout = TRUE,
                       signal = TRUE, inorder = TRUE, drop = FALSE, ...) {
  x <- if (is.null(idxs)) future else future[idxs]
  values <- collect_all(x, stdout, signal, inorder, drop)
  if (is.null(reduce)) return(values)
  reduce_values(values, reduce)
}

#' @export
value.listenv <- function(future, ...) {
  value.list(as_plain_list(future), ...)
}

#' @export
value.environment <- function(future, ...) {
  names <- sort(names(future))
  if (!length(names)) return(list())
  x <- stats::setNames(lapply(names, function(name) {
    element_future(name, future)
  }), names)
  value.list(x, ...)
}

as_plain_list <- function(x) {
  out <- lapply(seq_along(x), function(i) x[[i]])
  with_shape(out, x)
}

# Dimensions first: to set them drops the names, which a list may have beside
# them.
with_shape <- function(out, x) {
  if (!is.null(dim(x))) {
    dim(out) <- dim(x)
    dimnames(out) <- dimnames(x)
  }
  if (!is.null(names(x))) names(out) <- names(x)
  out
}

# A variable that is still a promise of %<-% is asked for its future instead.
element_future <- function(name, envir) {
  hidden <- get0(future_name(name), envir, inherits = FALSE)
  if (inherits(hidden, "Future")) hidden else envir[[name]]
}

reduce_values <- function(values, reduce) {
  init <- attr(reduce, "init")
  if (is.primitive(reduce) && !is.null(init)) refuse_marked_primitive(reduce)
  fold <- if (is.character(reduce)) {
    get(as.vector(reduce), mode = "function", envir = parent.frame(2L))
  } else {
    attributes_dropped(reduce)
  }
  check_function(fold, "reduce")
  if (is.null(init)) Reduce(fold, values) else Reduce(fold, values, init)
}

# There is only one `+` in an R process. An attribute that one call sets on it
# would affect all later calls, so it is removed again.
refuse_marked_primitive <- function(fun) {
  attr(fun, "init") <- NULL
  abort(
    paste(
      "`reduce` must not be a primitive function with attribute `init`: the",
      "attribute would stay on that function for the rest of the R session.",
      "Give its name instead: `reduce = structure(\"+\", init = 0)`."
    ),
    "elsewhere_bad_argument", arg = "reduce", value = fun
  )
}

attributes_dropped <- function(fun) {
  if (!is.primitive(fun)) attr(fun, "init") <- NULL
  fun
}
