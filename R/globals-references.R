# Objects that cannot travel: external pointers, and connections, which hold
# one.

# A function takes its whole environment along, in a Shiny app the whole user
# interface. An object in it that cannot be sent does no harm as long as the
# function does not use it.
refuse_used_references <- function(future) {
  expr <- .subset2(future, "expr")
  globals <- as.list(unclass(.subset2(future, "globals")))
  # What was asked for by name counts whether the code names it or not.
  roots <- if (is.null(.subset2(future, "has_given_globals"))) {
    globals[intersect(all.names(expr), names(globals))]
  } else {
    globals
  }
  found <- find_reference(roots, "", closures = "used", globals = globals)
  if (is.null(found)) found <- find_reference(expr, "expr")
  if (!is.null(found)) refuse_references(future, found = found)
}

# `is_refused`: the engine has found one already, wherever it is.
refuse_references <- function(future, is_refused = FALSE,
                              found = future_reference(future)) {
  if (is.null(found) && !is_refused) return(invisible())
  fields <- if (!is.null(found)) reference_fields(found)
  stop(do.call(new_future_error, c(
    list(
      reference_message(future, found), NULL, future = future,
      ours = c("elsewhere_cannot_travel", "elsewhere_future_error")
    ),
    fields
  )))
}

warn_references <- function(future) {
  found <- future_reference(future)
  if (is.null(found)) return(invisible())
  warning(do.call(new_future_condition, c(
    list(
      reference_message(future, found), c("FutureWarning", "warning"),
      future = future
    ),
    reference_fields(found)
  )))
}

# In the globals, whether the expression uses it or not, or in the expression.
future_reference <- function(future) {
  found <- find_reference(as.list(.subset2(future, "globals")), "")
  if (!is.null(found)) return(found)
  find_reference(.subset2(future, "expr"), "expr")
}

reference_message <- function(future, found) {
  what <- if (is.null(found)) {
    "a non-exportable reference (an external pointer)"
  } else {
    paste(
      "a non-exportable reference:", describe_reference(found, "its globals")
    )
  }
  sprintf(
    paste(
      "Future %s needs %s, which does not work in another process. Create it",
      "inside the expression, or set",
      "options(future.globals.onReference = \"ignore\") to send it anyway. %s"
    ),
    describe_future(future), what, future_origin(future)
  )
}
