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

# A task failed on its way, not by its own error: what was sent could not be
# read there, or its value could not be sent back.
said_of_travel <- function(
    text, value = "has a value that cannot be sent back:") {
  text <- said_by_r(text)
  not_read <- "could not be read by its process: "
  if (!startsWith(text, not_read)) return(paste(value, text))
  paste0(not_read, said_by_r(substring(text, nchar(not_read) + 1L)))
}

# Called from C++ when an entry fails.
raise <- function(class, message) {
  abort(message, class)
}
