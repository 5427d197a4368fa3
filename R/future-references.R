# Objects that cannot travel: external pointers, and connections, which hold one.

# `is_refused`: the engine has found one already, wherever it is.
refuse_references <- function(future, is_refused = FALSE) {
  found <- find_reference(.subset2(future, "globals"))
  if (is.null(found) && !is_refused) return(invisible())
  stop(new_future_error(
    reference_message(future, found), NULL, future = future,
    ours = c("elsewhere_cannot_travel", "elsewhere_future")
  ))
}

warn_references <- function(future) {
  found <- find_reference(.subset2(future, "globals"))
  if (is.null(found)) return(invisible())
  warning(new_future_condition(
    reference_message(future, found), c("FutureWarning", "warning"),
    future = future
  ))
}

reference_message <- function(future, found) {
  what <- if (is.null(found)) {
    "a non-exportable object (an external pointer) in its expression"
  } else {
    sprintf(
      "a non-exportable object: %s, of class %s", found$path,
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
