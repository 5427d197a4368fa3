# Objects that cannot travel: external pointers, and connections, which hold
# one.

# A function takes along all that was around when it was made, in a Shiny app
# the whole user interface. That some of it cannot travel is nobody's concern as
# long as the function does not use it.
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
  if (!is.null(found)) refuse_references(future, found = found)
  if (!can_travel(expr)) refuse_references(future, is_refused = TRUE)
}

# `is_refused`: the engine has found one already, wherever it is.
refuse_references <- function(
    future, is_refused = FALSE,
    found = find_reference(as.list(.subset2(future, "globals")), "")) {
  if (is.null(found) && !is_refused) return(invisible())
  stop(new_future_error(
    reference_message(future, found), NULL, future = future,
    ours = c("elsewhere_cannot_travel", "elsewhere_future_error")
  ))
}

warn_references <- function(future) {
  found <- find_reference(as.list(.subset2(future, "globals")), "")
  if (is.null(found)) return(invisible())
  warning(new_future_condition(
    reference_message(future, found), c("FutureWarning", "warning"),
    future = future
  ))
}

reference_message <- function(future, found) {
  what <- if (is.null(found)) {
    "a non-exportable reference (an external pointer) in its expression"
  } else {
    sprintf(
      "a non-exportable reference: %s, of class %s", found$path,
      sQuote(found$class[[1L]], FALSE)
    )
  }
  sprintf(
    paste(
      "Future %s needs %s, which would arrive dead in another process. Create",
      "it inside the expression, or set",
      "options(future.globals.onReference = \"ignore\") to send it all the",
      "same. %s"
    ),
    describe_future(future), what, future_origin(future)
  )
}
