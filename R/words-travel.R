# Objects that mean nothing in another process: external pointers that are
# alive, connections, and whatever holds one.

# NULL if `x` can travel. Otherwise list(path, class, holder): where in `x` the
# nearest such object is, written as R code on `name`, its class, and that of
# the object that it is part of, if any. The elements of a list whose name is
# empty are variables. `closures` says what counts of the environment of a
# function, which holds whatever was around when it was made: the "whole", what
# the function "used" (names), or "none" of it. That of a formula counts only
# with the whole. `globals` are the variables that will be found in the
# workspace. A search over more than `most` values gives up: then without a
# path.
find_reference <- function(x, name = "x", closures = "whole", globals = NULL,
                           most = 5e6) {
  if (can_travel(x)) return(NULL)
  found <- .Call(ew_find_reference, x, name, closures, globals, most)
  if (isFALSE(found)) return(list(class = "external pointer"))
  Filter(Negate(is.null), found)
}

can_travel <- function(x) .Call(ew_can_travel, x)

# What a worker has found in a result that it refused to send, from the message
# that it sent instead; NULL for any other message.
reference_from <- function(message) {
  lines <- strsplit(message, "\n", fixed = TRUE)[[1L]]
  if (!identical(lines[1L], "elsewhere-reference")) return(NULL)
  lines <- c(lines, character(4L))[2:4]
  found <- list(class = lines[[1L]], holder = lines[[2L]], path = lines[[3L]])
  found[nzchar(found)]
}

# "`x$model$ptr` (externalptr, part of a xgb.Booster)". `whole` is what it is
# in, for when the search has given up.
describe_reference <- function(found, whole = "it") {
  if (is.null(found$path)) {
    return(sprintf(
      "an external pointer somewhere in %s (too large to find the exact place)",
      whole
    ))
  }
  mark <- if (grepl("`", found$path, fixed = TRUE)) "" else "`"
  sprintf(
    "%s%s%s (%s%s)", mark, found$path, mark, found$class,
    if (is.null(found$holder)) "" else paste(", part of a", found$holder)
  )
}

# The same as fields of a condition.
reference_fields <- function(found) {
  list(
    path = found$path, reference_class = found$class,
    holder_class = found$holder
  )
}

abort_cannot_travel <- function(found, home = NULL, call = NULL) {
  text <- describe_reference(found, "the arguments")
  do.call(abort, c(
    list(
      paste(
        text, "cannot be sent to another R process: it refers to something in",
        "this one. Create it in the code that runs there, or send the data it",
        "was made from."
      ),
      "elsewhere_cannot_travel", home = home, call = call
    ),
    reference_fields(found)
  ))
}
