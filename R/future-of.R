#' Get the future behind a variable
#'
#' @param var A variable or element that was assigned by [`%<-%`]. Missing: all
#'   of them in `envir`.
#' @param envir An environment, listenv or list: where to look. Default: the
#'   caller's environment.
#' @param mustExist `TRUE` (default) raises an error if there is no future.
#' @param default The value to return if there is no future and `mustExist` is
#'   `FALSE`.
#' @param drop If `var` is missing: `TRUE` leaves out elements that are not
#'   futures.
#' @return `futureOf()`: the `Future`, or, if `var` is missing, a list of
#'   futures. `futures()`: `x` with each such variable replaced by its future.
#' @section Errors:
#' * `FutureError`: `var` has no future; its value may have been read already.
#' @examples
#' x %<-% { 1 + 1 }
#' f <- futureOf(x)
#' value(f)
#' @export
futureOf <- function(var = NULL, envir = parent.frame(), mustExist = TRUE,
                     default = NA, drop = FALSE) {
  if (missing(var)) {
    found <- futures(envir)
    found <- if (is.environment(found) && !inherits(found, "listenv")) {
      as.list(found, sorted = TRUE)
    } else {
      as_plain_list(found)
    }
    is_one <- vapply(found, inherits, NA, "Future")
    if (drop) return(found[is_one])
    if (!mustExist) found[!is_one] <- default
    return(found)
  }
  target <- substitute(var)
  place <- if (is.character(target) || is.numeric(target)) {
    list(name = target, where = envir)
  } else {
    assign_target(target, envir)
  }
  check_futureof_position(place)
  found <- future_at(place$name, place$where)
  if (!is.null(found)) return(found)
  if (!mustExist) return(default)
  stop(new_future_error(sprintf(
    "`%s` has no future. Its value may have been read already.",
    paste(deparse(target), collapse = "")
  ), NULL))
}

# The future of the variable or element that an expression names; NULL where
# there is none, or where it is any other expression.
future_behind <- function(target, envir) {
  place <- tryCatch(assign_target(target, envir), error = function(e) NULL)
  if (!is.null(place)) future_at(place$name, place$where)
}

check_futureof_position <- function(place) {
  name <- place$name
  is_right <- length(name) == 1L && !is.na(name) &&
    (is.character(name) || (inherits(place$where, "listenv") && name >= 1))
  if (!is_right) {
    abort_argument(
      "var", "a variable, or one element of an environment or listenv", name
    )
  }
}

# The future of a variable, or NULL; a variable may also hold a future itself.
future_at <- function(name, where) {
  if (inherits(where, "listenv")) {
    i <- if (is.character(name)) match(name, names(where)) else name
    if (is.na(i) || i > length(where)) return(NULL)
    found <- listenv_future(where, i)
    return(if (inherits(found, "Future")) found)
  }
  hidden <- get0(future_name(name), where, inherits = FALSE)
  if (inherits(hidden, "Future")) return(hidden)
  if (is_promise_or_absent(name, where)) return(NULL)
  found <- where[[name]]
  if (inherits(found, "Future")) found
}

# Reading a variable that is still a promise would wait for it.
is_promise_or_absent <- function(name, where) {
  !exists(name, envir = where, inherits = FALSE)
}

# The future of an element of a listenv, or the element.
listenv_future <- function(x, i) {
  variable <- listenv::mapping(x)[i]
  hidden <- get0(future_name(variable), x, inherits = FALSE)
  if (inherits(hidden, "Future")) hidden else x[[i]]
}

#' @rdname futureOf
#' @param x An environment, listenv or list.
#' @param ... Not used.
#' @export
futures <- function(x, ...) UseMethod("futures")

#' @export
futures.list <- function(x, ...) x

#' @export
futures.listenv <- function(x, ...) {
  out <- x
  for (i in seq_along(out)) {
    found <- listenv_future(x, i)
    if (inherits(found, "Future")) {
      variable <- listenv::mapping(x)[i]
      assign(variable, found, envir = out)
    }
  }
  out
}

#' @export
futures.environment <- function(x, ...) {
  names <- ls(x, all.names = TRUE)
  hidden <- startsWith(names, future_name(""))
  names <- union(
    names[!hidden], substring(names[hidden], nchar(future_name("")) + 1L)
  )
  list2env(
    stats::setNames(lapply(names, element_future, envir = x), names),
    parent = emptyenv()
  )
}
