# Every condition class of ours is made here.

# `class` is our class for the failure; `home` is what the same failure is
# called in the package whose front raised it (callr_error, FutureError, ...).
# Data go in as fields.
abort <- function(message, class, ..., home = NULL, call = NULL) {
  stop(errorCondition(
    message, ...,
    class = unique(c(class, "elsewhere_error", home)),
    call = call
  ))
}

# What R has said of an error, as a part of a sentence.
said_by_r <- function(text) {
  trimws(sub("^Error( in [^\n]*?)? ?:[[:space:]]*", "", text, perl = TRUE))
}

# Called from C++ when an entry fails.
raise <- function(class, message) {
  abort(message, class)
}
