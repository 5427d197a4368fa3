#' Get the value of a future
#'
#' Waits until the future has settled, prints what it printed, signals what it
#' signalled, in order, and gives its value or raises its error, unchanged. A
#' second call does the same again.
#'
#' @param future A `Future`, or a list, environment or listenv of futures and
#'   other things. `values()` is the same under an older name; of a listenv it
#'   makes a listenv.
#' @param stdout `TRUE` (default) prints the captured output.
#' @param signal `TRUE` (default) signals conditions. `FALSE` signals none and
#'   gives the error, if there is one, as the value.
#' @param drop `TRUE` forgets the value afterwards, so that it can be collected.
#'   Default: `FALSE`.
#' @param reduce For lists: a function of two values, or its name, that folds
#'   the values; attribute `init` is the first of them. Default: none.
#' @param inorder For lists: `TRUE` (default) relays output and conditions in
#'   the order of the list, each as soon as all before it are in; `FALSE` in the
#'   order in which they settle.
#' @param idxs For lists: which elements. Default: all.
#' @param ... Not used.
#' @return The value, visible or not as the expression left it. For a list: a
#'   list with the same names and dimensions, futures replaced by their values;
#'   so also of an environment, by the names of its variables, and of a listenv.
#' @section Errors:
#' The error of the expression itself, or
#' * `FutureInterruptError`: the worker died; the message says of what.
#' * `FutureCanceledError`: it was cancelled.
#' * `FutureLaunchError`: it could not be started.
#' * `FutureDroppedError`: the value was dropped.
#' * `FutureError`: it belongs to another process.
#'
#' In a list, the first error cancels the futures that have not settled.
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
  # As it was at home, where it had this name.
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

# There is one `+` in an R process: an attribute that one call sets on it would
# rule in all that follow, so it is taken off again.
refuse_marked_primitive <- function(fun) {
  attr(fun, "init") <- NULL
  abort(
    paste(
      "`reduce` must not be a primitive function with an attribute `init`,",
      "which would stay with the function for good. Name the function:",
      "`reduce = structure(\"+\", init = 0)`."
    ),
    "elsewhere_bad_argument", arg = "reduce", value = fun
  )
}

attributes_dropped <- function(fun) {
  if (!is.primitive(fun)) attr(fun, "init") <- NULL
  fun
}
