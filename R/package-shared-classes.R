# The async package has classes of the same names, "channel" among them, and R
# keeps one method of a generic for a class: that of whichever package is loaded
# last. With both loaded, methods of ours are for what is ours, and theirs for
# the rest.

shared_methods <- list(
  c("format", "channel"), c("print", "channel"), c("summary", "async"),
  c("summary", "generator"), c("summary", "stream"), c("as.promise", "channel")
)

share_classes_with_async <- function() {
  theirs <- asNamespace("async")
  for (method in shared_methods) {
    name <- paste(method, collapse = ".")
    # Where they have none of their own, there is nothing to share.
    if (is.null(get0(name, theirs, inherits = FALSE))) next
    space <- if (method[[1L]] == "as.promise") asNamespace("promises")
    registerS3method(
      method[[1L]], method[[2L]],
      method_of_either(get(name), get(name, theirs)),
      if (is.null(space)) baseenv() else space
    )
  }
}

# Theirs, but that it begins by looking whose it is: a method that calls
# NextMethod() must be called by R itself.
method_of_either <- function(ours, theirs) {
  given <- lapply(names(formals(theirs)), as.name)
  body(theirs) <- bquote({
    if (.(is_ours)(.(given[[1L]]))) return(.(as.call(c(ours, given))))
    .(body(theirs))
  })
  theirs
}

is_ours <- function(x) {
  if (inherits(x, "channel")) return(!is.null(channel_state(x)))
  if (inherits(x, "generator")) return(is_own_generator(x))
  is_own_promise(x)
}
