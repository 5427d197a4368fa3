# What an expression needs from here: globals by value and packages by name.

# A list with `globals`, `packages`, `namespaces` and `shadowed`, as
# find_globals() gives them.
future_globals <- function(expr, envir, globals, packages) {
  if (length(packages)) check_packages(packages)
  if (!is.environment(envir)) abort_argument("envir", "an environment", envir)
  if (isFALSE(as.vector(globals)) && !is.null(attr(globals, "add"))) {
    # `FALSE` with `add`: only the added ones.
    globals <- attr(globals, "add")
  }
  if (is.null(globals) || identical(globals, FALSE)) {
    return(list(packages = packages))
  }
  if (is.character(globals)) globals <- globals_by_name(globals, envir)
  if (is.list(globals)) globals <- as.list(unclass(globals))
  found <- find_globals(expr, envir, globals)
  if (length(packages)) found$packages <- unique(c(packages, found$packages))
  if (length(found$missing)) signal_missing_globals(found$missing)
  found
}

check_packages <- function(packages) {
  if (!is.character(packages) || anyNA(packages)) {
    abort_argument("packages", "names of packages", packages)
  }
}

globals_by_name <- function(names, envir) {
  is_there <- vapply(names, exists, NA, envir = envir)
  if (!all(is_there)) {
    stop(new_future_error(sprintf(
      "`globals` names %s, which does not exist where the future was created.",
      paste0("`", names[!is_there], "`", collapse = ", ")
    ), NULL))
  }
  values <- mget(setdiff(names, "..."), envir = envir, inherits = TRUE)
  if ("..." %in% names) values[["..."]] <- eval(quote(list(...)), envir)
  values
}

# A name that is nowhere may be bound by the expression itself, in a way that no
# search can see, so by default nothing is said.
signal_missing_globals <- function(names) {
  action <- getOption("future.globals.onMissing", "ignore")
  if (action == "ignore") return()
  text <- sprintf(
    paste0(
      "The expression uses %s, which does not exist where the future was ",
      "created."
    ),
    paste0("`", names, "`", collapse = ", ")
  )
  if (action == "warning") {
    warning(new_future_condition(text, c("FutureWarning", "warning")))
  } else {
    stop(new_future_error(text, NULL))
  }
}

#' Find the globals and packages of an expression
#'
#' Finds what [future()] would send along with an expression.
#' [explain_globals()] says why each global is needed.
#'
#' @param expr A quoted expression, such as `quote(a + b)`.
#' @param envir,globals As in [future()].
#' @param ... Not used.
#' @return A list: `expr`; `globals`, a named list of class `FutureGlobals`;
#'   `packages`, a character vector.
#' @inheritSection future Errors
#' @examples
#' a <- 2
#' names(getGlobalsAndPackages(quote(a * b))$globals)
#' @export
getGlobalsAndPackages <- function(expr, envir = parent.frame(), globals = TRUE,
                                  ...) {
  found <- future_globals(expr, envir, globals, NULL)
  list(
    expr = expr, globals = as_future_globals(found$globals),
    packages = as.character(found$packages)
  )
}

as_future_globals <- function(globals) {
  if (is.null(globals)) globals <- structure(list(), names = character())
  structure(globals, class = c("FutureGlobals", "Globals", "list"))
}

#' Create the globals of a future
#'
#' Turns a named list into the class that `getGlobalsAndPackages()$globals` and
#' the field `globals` of a future have. Argument `globals` of [future()]
#' accepts such an object as well as a list.
#'
#' @param object,x A named list.
#' @param resolved `TRUE` states that every future in the list has settled.
#'   Default: `FALSE`.
#' @param total_size Total size in bytes, or `NA` (default).
#' @param ... Not used.
#' @return A list of class `FutureGlobals` and `Globals`, with attributes
#'   `resolved` and `total_size`.
#' @section Errors:
#' * `elsewhere_bad_argument`: the argument is not a list, or an element has no
#'   name.
#' @examples
#' value(future(a + b, globals = as.FutureGlobals(list(a = 40, b = 2))))
#' @export
FutureGlobals <- function(object = list(), resolved = FALSE,
                          total_size = NA_real_, ...) {
  names <- names(object)
  is_named <- !length(object) || !is.null(names) && !anyNA(names) && all(
    nzchar(names)
  )
  if (!is.list(object) || !is_named) {
    abort_argument("object", "a list with a name for each element", object)
  }
  if (inherits(object, "FutureGlobals")) return(object)
  if (is.null(names)) names(object) <- character()
  structure(
    object, class = unique(c("FutureGlobals", "Globals", class(object))),
    resolved = resolved, total_size = total_size
  )
}

#' @rdname FutureGlobals
#' @export
as.FutureGlobals <- function(x, ...) UseMethod("as.FutureGlobals")

#' @export
as.FutureGlobals.default <- function(x, ...) FutureGlobals(x, ...)

# Refuses globals over `limit` bytes. Only measured when there is a limit.
check_globals_size <- function(future, limit) {
  if (is.null(limit) || is.infinite(limit)) return()
  globals <- .subset2(future, "globals")
  if (!length(globals)) return()
  bytes <- object_bytes(as.list(unclass(globals)))
  if (bytes <= limit) return()
  stop(new_future_error(sprintf(
    paste(
      "The total size of the %d globals of future %s is %s, which exceeds the",
      "maximum allowed size of %s. %s Use smaller globals, or raise the limit:",
      "options(future.globals.maxSize = ) or plan(maxSizeOfObjects = ).",
      "`explain_globals()` shows why each is needed. %s"
    ),
    length(globals), describe_future(future), format_bytes(bytes),
    format_bytes(limit), largest_globals(globals), future_origin(future)
  ), NULL, future = future))
}

format_bytes <- function(bytes) {
  if (bytes < 1024) return(sprintf("%.0f bytes", bytes))
  units <- c("KiB", "MiB", "GiB", "TiB")
  power <- min(floor(log(bytes, 1024)), length(units))
  sprintf("%.2f %s", bytes / 1024^power, units[[power]])
}
