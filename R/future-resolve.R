#' Check whether futures have settled
#'
#' `resolved()` returns at once. `resolve()` waits.
#'
#' @details
#' `resolved()` starts a lazy future. If all workers are busy, the future is
#' queued; only under [multicore] does `resolved()` wait for a free worker. For
#' a list it starts only enough futures to keep the workers busy until the next
#' call, and takes a few milliseconds at most. It never raises the error of an
#' expression.
#'
#' @param x A `Future`, or a list, environment or listenv. Anything else counts
#'   as settled.
#' @param idxs Which elements. Default: all.
#' @param recursive How deeply to look into nested lists. `TRUE`: all levels;
#'   `FALSE` or 0 (default): only the outermost.
#' @param result `TRUE` also fetches the results. Default: `FALSE`.
#' @param stdout,signal `TRUE` relays output or conditions. Default: `FALSE`.
#' @param force,sleep For compatibility; not used. Waiting does not poll.
#' @param ... Not used.
#' @return `resolved()`: `TRUE` or `FALSE`; for a container, one for each
#'   element, with its names and dimensions. `resolve()`: `x`, unchanged.
#' @examples
#' f <- future(1, lazy = TRUE)
#' resolved(f)
#' resolve(list(f))
#' @export
resolved <- function(x, ...) UseMethod("resolved")

#' @export
resolved.default <- function(x, ...) {
  if (inherits(x, "Future") && requireNamespace("future", quietly = TRUE)) {
    return(future::resolved(x, ...))
  }
  if (holds_futures(x)) return(resolved.list(as_plain_list(unclass(x))))
  TRUE
}

#' @export
resolved.elsewhere_future <- function(x, ...) {
  is_settled <- has_settled(x)
  if (is_settled && .subset2(x, "settings")$earlySignal) signal_early(x)
  is_settled
}

# Once: value() does it each time.
signal_early <- function(future) {
  if (isTRUE(.subset2(future, "is_signaled"))) return()
  set_field(future, "is_signaled", TRUE)
  value(future, stdout = FALSE)
}

has_settled <- function(x) {
  if (!is.null(.subset2(x, "outcome"))) return(TRUE)
  if (.subset2(x, "state") == "created") {
    start_queued(x)
    # A fork cannot queue: as in the future package, this waits for a free slot.
    if (.subset2(x, "state") == "created") launch_lazy(x)
  }
  task <- .subset2(x, "task")
  if (is.null(task)) return(.subset2(x, "state") != "created")
  refuse_foreign(x)
  relay_events(x)
  if (!task_settled(task)) return(FALSE)
  relay_events(x)
  if (starts_again(x)) return(FALSE)
  take_outcome(x)
  TRUE
}

#' @export
resolved.list <- function(x, ...) {
  deadline <- as.double(Sys.time()) + tick_seconds
  how <- .Call(ew_futures_look, x, session_id(), short_way(), tick_seconds)
  answer <- if (is.logical(how)) how else look_closer(x, how, deadline)
  with_shape(answer, x)
}

# What has been seen of a list, `how`, and what only R can see or start.
look_closer <- function(x, how, deadline) {
  is_late <- function() as.double(Sys.time()) > deadline
  answer <- how == 1L
  for (i in which(how == 2L)) answer[i] <- resolved_soon(x[[i]], is_late)
  for (i in which(how == -1L)) relay_events(x[[i]])
  start_some(x, which(how == -2L), current_backend, is_late)
  for (i in which(how == -3L)) {
    start_some(x, i, function() .subset2(x[[i]], "backend"), is_late)
  }
  answer
}

#' @export
resolved.environment <- function(x, ...) {
  names <- sort(names(x))
  answer <- vapply(names, function(name) {
    resolved_deep(element_future(name, x))
  }, NA)
  names(answer) <- names
  answer
}

#' @export
resolved.listenv <- function(x, ...) {
  elements <- lapply(seq_along(x), function(i) listenv_future(x, i))
  resolved.list(with_shape(elements, x))
}

# How long one look at a list may take, so that whoever looks again and again
# has time for other things: what is left is done at the next look.
tick_seconds <- 0.002

# What has more than a value is taken as long as there is time; value() takes it
# as well.
resolved_soon <- function(x, is_late) {
  if (is_late() && is_future(x) && !is.null(task <- .subset2(x, "task"))) {
    refuse_foreign(x)
    return(task_settled(task))
  }
  resolved_deep(x)
}

# Of the lazy futures at `which`, starts as many as the workers of `backend()`
# can be busy with for a while. The others are not looked at: a thousand at each
# look would be more garbage than all else together.
start_some <- function(futures, which, backend, is_late) {
  if (!length(which)) return()
  room <- backend()$ahead()
  for (i in which[seq_len(min(max(room, 0L), length(which)))]) {
    start_queued(futures[[i]])
    if (is_late()) return()
  }
}

# One answer, also for a list in a list.
resolved_deep <- function(x) all(resolved(x))

#' @rdname resolved
#' @export
resolve <- function(x, idxs = NULL, recursive = 0, result = FALSE,
                    stdout = FALSE, signal = FALSE, force = FALSE,
                    sleep = getOption("future.wait.interval", 0.01), ...) {
  if (is.logical(recursive)) recursive <- if (recursive) Inf else 0
  if (recursive < 0) return(x)
  elements <- resolvable(x, idxs)
  futures <- Filter(is_future, elements)
  wait_all(Filter(Negate(is_dropped), futures))

  for (element in elements) {
    if (is_future(element)) {
      if (stdout || signal) value(element, stdout = stdout, signal = signal)
      if (recursive > 0 && (result || recursive >= 1)) {
        inner <- .subset2(element, "outcome")$value
        if (is.list(inner) || is.environment(inner)) {
          resolve(inner, recursive = recursive - 1, result = result)
        }
      }
    } else if (recursive > 0 && (is.list(element) || is.environment(element))) {
      resolve(
        element, recursive = recursive - 1, result = result, stdout = stdout,
        signal = signal
      )
    }
  }
  x
}

# The elements that resolve() looks at, as a list.
resolvable <- function(x, idxs) {
  if (is_future(x)) return(list(x))
  if (inherits(x, "listenv")) {
    i <- seq_along(x)
    if (!is.null(idxs)) i <- index_of(x, idxs)
    return(lapply(i, function(i) listenv_future(x, i)))
  }
  if (is.environment(x)) {
    names <- if (is.null(idxs)) names(x) else check_names_of(x, idxs)
    return(lapply(names, element_future, envir = x))
  }
  if (!is.list(x)) return(list())
  if (is.null(idxs)) return(unclass(x))
  unclass(x)[index_of(x, idxs)]
}

check_names_of <- function(x, idxs) {
  if (!is.character(idxs) || !all(idxs %in% names(x))) {
    abort_argument("idxs", "names of variables in the environment `x`", idxs)
  }
  idxs
}

# Positions from positions, names, or a matrix of array indices.
index_of <- function(x, idxs) {
  if (is.matrix(idxs) && !is.null(dim(x)) && ncol(idxs) == length(dim(x))) {
    positions <- array(seq_along(x), dim = dim(x))
    return(positions[idxs])
  }
  if (is.character(idxs)) {
    at <- match(idxs, names(x))
    if (anyNA(at)) abort_argument("idxs", "names of elements of `x`", idxs)
    return(at)
  }
  is_right <- is.numeric(idxs) && !anyNA(idxs) && all(idxs != 0) &&
    all(abs(idxs) <= length(x))
  if (!is_right) {
    abort_argument("idxs", "positions or names of elements of `x`", idxs)
  }
  seq_along(x)[idxs]
}

# Waits for all; lazy ones are started.
wait_all <- function(futures) {
  watch <- watch_futures(futures, 64L)
  settled <- 0L
  while (settled < length(futures)) settled <- settled + length(watch())
}

is_dropped <- function(future) inherits(future, "DroppedFuture")
