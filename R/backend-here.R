# Futures in this very process, one after the other.

kind_here <- list(
  title = "this process",
  options = list("this process" = c("workers", "queue")),
  fits = function(settings) {
    settings$name %in% c("sequential", "transparent") ||
      settings$name != "cluster" && settings$workers == 1L &&
        !inherits(settings$workers, "AsIs")
  },
  record = function(backend) {
    # One worker that is this process evaluates when it is asked.
    if (!backend$name %in% c("sequential", "transparent")) {
      backend$future_settings$lazy <- TRUE
    }
    list(
      options_known = c("workers", "queue"),
      future_class = c(
        "elsewhere_future", "SequentialFuture", "UniprocessFuture", "Future"
      ),
      is_shared = FALSE,
      launch = function(future, payload, options, wait) {
        launch_here(future, backend, payload, options)
      },
      free = function(background) if (background) 0L else 1L,
      do = function(expr, envir, packages) do_here(expr, packages),
      status = function() status_uncounted()
    )
  }
)

launch_here <- function(future, backend, payload, options) {
  if (identical(options$on_reference, "error")) refuse_references(future)
  set_fields(future, list(state = "running", start = .Call(ew_now)))
  former <- plans$stack
  former_backend <- plans$backend
  plans$stack <- .subset2(backend, "nested")
  plans$backend <- NULL
  on.exit({
    inner <- plans$backend
    plans$stack <- former
    plans$backend <- former_backend
    if (!is.null(inner)) inner$close()
    if (is.null(.subset2(future, "outcome"))) note_interrupt_here(future)
  })
  take_result(future, evaluate(payload))
}

# An evaluation in this process that Ctrl-C or a jump to a restart has left is
# not begun again by itself: it may have done half of what it does.
note_interrupt_here <- function(future) {
  set_field(future, "state", "interrupted")
  set_outcome(future, list(failure = FutureInterruptError(
    sprintf(
      paste(
        "Future %s was interrupted while this process was evaluating it. Call",
        "reset() to run it again. %s"
      ),
      describe_future(future), future_origin(future)
    ),
    future = future
  )))
}

# everywhere(), where this process is all that futures will see.
do_here <- function(expr, packages) {
  for (package in packages) library(package, character.only = TRUE)
  eval(expr, globalenv())
}
