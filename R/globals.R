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
  length(x) == 0L || (!is.null(names(x)) && !anyNA(names(x)) && all(nzchar(names(x))))
}

# The bytes that `x` takes when it is sent; nothing is written anywhere.
object_bytes <- function(x) .Call(ew_object_bytes, x)
