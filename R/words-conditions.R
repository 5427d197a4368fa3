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

# R's message of an error, without "Error in ... :".
said_by_r <- function(text) {
  trimws(sub("^Error( in [^\n]*?)? ?:[[:space:]]*", "", text, perl = TRUE))
}

# The task itself did not fail, but its transfer did: the worker could not read
# what was sent, or could not send back the value.
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
