# What a worker does with one chunk of a map. Base R only: these functions are
# shipped to workers.

# `data` has x, f, args (further arguments of f), seeds (one an element, or
# NULL), progress (tell the owner how far it is).
map_elements <- function(data) {
  x <- data$x
  seeds <- data$seeds
  # A frame with `...` and nothing else, so that f's call reads .f(.x[[.i]],
  # ...) and holds no data.
  frame <- do.call(function(...) environment(), data$args, quote = TRUE)
  parent.env(frame) <- globalenv()
  frame$.f <- data$f
  frame$.x <- x
  one <- quote(.f(.x[[.i]], ...))
  values <- vector("list", length(x))
  report <- if (isTRUE(data$progress)) map_progress()
  for (i in seq_along(x)) {
    frame$.i <- i
    if (!is.null(seeds)) {
      assign(".Random.seed", seeds[[i]], envir = globalenv())
    }
    value <- eval(one, frame)
    if (!is.null(value)) values[[i]] <- value
    if (!is.null(report)) report(i)
  }
  values
}

# Tells the owner at most ten times a second.
map_progress <- function(seconds_between = 0.1) {
  last <- as.double(Sys.time())
  told <- 0L
  function(done) {
    now <- as.double(Sys.time())
    if (now - last < seconds_between) return()
    emit(structure(
      class = c("elsewhere_map_progress", "condition"),
      list(message = "", call = NULL, done = done - told)
    ))
    last <<- now
    told <<- done
  }
}
