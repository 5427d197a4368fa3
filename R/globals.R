# What an expression needs on the other side. The search is C++
# (src/bridge/globals/); this file is its R face.
#
# find_globals(expr, envir, globals) returns a list of
#   globals     named list of values to make visible to the expression. A `NULL`
#               value is kept. An argument that is missing where the expression
#               is written is the empty symbol (`quote(expr = )`): to make
#               `missing(b)` work, evaluate the expression in a function with
#               that formal argument. `...` and `..1` come as one entry named
#               `...`, the list of their values (missing ones again the empty
#               symbol): evaluate in do.call(function(...) expr, dots).
#   packages    packages to attach, in this order; never one that every R
#               session attaches.
#   namespaces  packages to load without attaching: pkg::name, and the packages
#               whose classes or functions the values have.
#   where       along globals: "local" (between the code and the workspace),
#               "global", "attached" (on the search path, but no package) or
#               "namespace" (of the package whose code asks).
#   missing     names that are certainly used and not there.
#   shadowed    mostly empty: values that functions of the workspace look up in
#               the worker's global environment under a name that means
#               something else to the expression (and so is in globals, too).
#               Where it is not empty, assign these to the worker's global
#               environment, and the globals of the same name to a child of it
#               in which the expression is evaluated.
# When a name starts with `.__C__` or `.__T__`, S4 classes or methods travel:
# call methods::cacheMetaData(globalenv(), TRUE) after assigning them.
#
# `globals` is TRUE (search), FALSE (nothing), names to look up, a named list to
# use as it is, or TRUE with the attributes `add` (names or a named list) and
# `ignore` (names).
find_globals <- function(expr, envir, globals = TRUE, ...) {
  if (!isTRUE(globals)) check_globals(globals)
  .Call(ew_find_globals, expr, envir, globals)
}

check_globals <- function(globals) {
  is_flag <- is.logical(globals) && length(globals) == 1L && !is.na(globals)
  is_values <- is.list(globals) && is_named(globals)
  if (!is_flag && !is.character(globals) && !is_values) {
    abort_argument(
      "globals",
      paste(
        "`TRUE`, `FALSE`, names, a named list, or `TRUE` with attributes",
        "`add` and `ignore`"
      ),
      globals
    )
  }
}

is_named <- function(x) {
  names <- names(x)
  length(x) == 0L || (!is.null(names) && !anyNA(names) && all(nzchar(names)))
}

# The bytes that `x` takes when it is sent; nothing is written anywhere.
object_bytes <- function(x) .Call(ew_object_bytes, x)

#' Explain the globals of an expression
#'
#' Shows what a future of this expression would send to its worker: each value,
#' where it was found, how large it is and why it is needed. Nothing is
#' evaluated, except that promises are forced and active bindings are read, as
#' for the future itself.
#'
#' Code is searched without running it, so a value is sent along if any path
#' through the code may use it. Quoted code, formulas and arguments that may be
#' columns of a data frame count as "may be used". Functions are searched in
#' turn, including functions in lists, attributes, environments and R6 objects.
#' Methods and classes that the workspace defines are sent along with the
#' classes and generics that need them.
#'
#' @param expr An expression; it is quoted automatically.
#' @param envir The environment in which names are looked up. Default: the
#'   caller's environment.
#' @return A data frame with one row per name, largest first, and the columns
#'   * `name`: the name of the value or package.
#'   * `where`: where it was found: `"local"` (in a function around the
#'     expression), `"global"`, `"attached"`, `"namespace"` (of the package
#'     whose code uses it). Or, for what is not sent but must exist on the
#'     worker, `"package"` (attached there), `"loaded"` (only loaded) and
#'     `"nowhere"` (not found).
#'   * `size`: serialized size in bytes. `NA` for packages and missing names. An
#'     environment that several values share is counted in each.
#'   * `why`: a sentence; for a large function, list or environment it also
#'     names the part that is large.
#' @section Errors:
#' * `elsewhere_bad_argument`: `envir` is not an environment.
#' * The error of a promise that has to be forced.
#' @examples
#' rate <- 0.2
#' decay <- function(t) exp(-rate * t)
#' explain_globals(sapply(1:3, decay))
#' @export
explain_globals <- function(expr, envir = parent.frame()) {
  if (!is.environment(envir)) abort_argument("envir", "an environment", envir)
  explained <- .Call(ew_explain_globals, substitute(expr), envir)
  found <- explained[[1L]]
  values <- c(found$globals, found$shadowed)
  size <- vapply(values, object_bytes, 0)
  why <- explain_reason(explained[[2L]], explained[[3L]], values)
  part <- mapply(explain_large_part, values, names(values), size)
  rest <- list(
    package = found$packages, loaded = found$namespaces,
    nowhere = found$missing
  )
  out <- data.frame(
    name = c(names(values), unlist(rest, use.names = FALSE)),
    where = c(
      found$where, rep("global", length(found$shadowed)),
      rep(names(rest), lengths(rest))
    ),
    size = c(size, rep(NA_real_, sum(lengths(rest)))),
    why = c(
      paste0(why, part),
      rep("exports a name that the code uses", length(found$packages)),
      rep("named by `::`, or by a class of a value", length(found$namespaces)),
      rep("used by the expression, but not found", length(found$missing))
    ),
    stringsAsFactors = FALSE
  )
  out <- out[order(-out$size), , drop = FALSE]
  rownames(out) <- NULL
  out
}

explain_reason <- function(reason, asked_by, values) {
  is_function <- vapply(values[asked_by], is.function, NA)
  by <- paste0("`", asked_by, ifelse(is_function, "()`", "`"))
  plain <- c(
    expression = "used by the expression",
    maybe = "may be used by the expression",
    method = "an S3 method for a class or generic in use",
    class = "an S4 class, or methods for it",
    given = "requested"
  )
  ifelse(reason == "code", paste("used by", by), plain[reason])
}

explain_large_part <- function(value, name, size) {
  if (size < 1e5) return("")
  part <- largest_part(value, name, size)
  if (identical(part$path, name)) return("")
  sprintf("; %s of it in `%s`", format_bytes(part$size), part$path)
}
