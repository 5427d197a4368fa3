# Side effects that an expression should not have: random numbers without a
# seed, leaked connections and devices, objects left in the workspace.

misuse_classes <- function(kind, what) {
  # Conditions about resources share a class, as in the future package.
  holds <- kind %in% c(
    "ConnectionMisuse", "DeviceMisuse", "DefaultDeviceMisuse"
  )
  own <- c(
    paste0(kind, "Future", what), if (holds) paste0("MisuseFuture", what)
  )
  base <- switch(what,
    Condition = NULL,
    Warning = c("FutureWarning", "warning"),
    Error = c("FutureError", "elsewhere_error", "error")
  )
  unique(c(
    own, base, paste0(kind, "FutureCondition"),
    if (holds) "MisuseFutureCondition"
  ))
}

new_misuse <- function(kind, what, message, future, ...) {
  new_future_condition(
    message, misuse_classes(kind, what), future = future, ...
  )
}

misuse_constructor <- function(kind, what) {
  force(kind)
  force(what)
  function(message = NULL, call = NULL, uuid = future$uuid, future = NULL,
           ...) {
    if (is.null(message)) message <- misuse_message(kind, future, list(...))
    new_future_condition(
      message, misuse_classes(kind, what), call, uuid, future, ...
    )
  }
}

#' @rdname FutureCondition
#' @export
RngFutureCondition <- misuse_constructor("Rng", "Condition")
#' @rdname FutureCondition
#' @export
RngFutureWarning <- misuse_constructor("Rng", "Warning")
#' @rdname FutureCondition
#' @export
RngFutureError <- misuse_constructor("Rng", "Error")
#' @rdname FutureCondition
#' @export
GlobalEnvMisuseFutureCondition <- misuse_constructor(
  "GlobalEnvMisuse", "Condition"
)
#' @rdname FutureCondition
#' @export
GlobalEnvMisuseFutureWarning <- misuse_constructor("GlobalEnvMisuse", "Warning")
#' @rdname FutureCondition
#' @export
GlobalEnvMisuseFutureError <- misuse_constructor("GlobalEnvMisuse", "Error")
#' @rdname FutureCondition
#' @export
ConnectionMisuseFutureCondition <- misuse_constructor(
  "ConnectionMisuse", "Condition"
)
#' @rdname FutureCondition
#' @export
ConnectionMisuseFutureWarning <- misuse_constructor(
  "ConnectionMisuse", "Warning"
)
#' @rdname FutureCondition
#' @export
ConnectionMisuseFutureError <- misuse_constructor("ConnectionMisuse", "Error")
#' @rdname FutureCondition
#' @export
DeviceMisuseFutureCondition <- misuse_constructor("DeviceMisuse", "Condition")
#' @rdname FutureCondition
#' @export
DeviceMisuseFutureWarning <- misuse_constructor("DeviceMisuse", "Warning")
#' @rdname FutureCondition
#' @export
DeviceMisuseFutureError <- misuse_constructor("DeviceMisuse", "Error")
#' @rdname FutureCondition
#' @export
DefaultDeviceMisuseFutureCondition <- misuse_constructor(
  "DefaultDeviceMisuse", "Condition"
)
#' @rdname FutureCondition
#' @export
DefaultDeviceMisuseFutureWarning <- misuse_constructor(
  "DefaultDeviceMisuse", "Warning"
)
#' @rdname FutureCondition
#' @export
DefaultDeviceMisuseFutureError <- misuse_constructor(
  "DefaultDeviceMisuse", "Error"
)

# The option for each kind, its default, and an older spelling of its name.
misuse_rules <- list(
  Rng = list("future.rng.onMisuse", "warning", "future.rng.misUse"),
  GlobalEnvMisuse = list("future.globalenv.onMisuse", "ignore", NULL),
  ConnectionMisuse = list("future.connections.onMisuse", "warning", NULL),
  DeviceMisuse = list("future.devices.onMisuse", "warning", NULL),
  DefaultDeviceMisuse = list("future.defaultDevice.onMisuse", "warning", NULL)
)

misuse_action <- function(kind) {
  rule <- misuse_rules[[kind]]
  action <- getOption(rule[[1L]])
  if (is.null(action) && !is.null(rule[[3L]])) action <- getOption(rule[[3L]])
  if (is.null(action)) return(rule[[2L]])
  match.arg(action, c("ignore", "warning", "error"))
}

misuse_message <- function(kind, future, details) {
  who <- describe_future(future)
  text <- switch(kind,
    Rng = sprintf(paste0(
      "UNRELIABLE VALUE: Future (%s) unexpectedly generated random numbers ",
      "without specifying argument 'seed'. There is a risk that those random ",
      "numbers are not statistically sound and the overall results might be ",
      "invalid. To fix this, specify 'seed=TRUE'. This ensures that proper, ",
      "parallel-safe random numbers are produced. To disable this check, use ",
      "'seed=NULL', or set option 'future.rng.onMisuse' to \"ignore\"."
    ), who),
    GlobalEnvMisuse = sprintf(
      "Future (%s) left variables in the global environment: %s.",
      who, paste(sQuote(details$names, FALSE), collapse = ", ")
    ),
    ConnectionMisuse = sprintf(
      paste0(
        "Future (%s) left connections behind (opened: %d%s, closed: %d). ",
        "Close every connection that it opens, and no others."
      ),
      who, length(details$added),
      paste0(", ", details$names, recycle0 = TRUE, collapse = ""),
      length(details$removed)
    ),
    DeviceMisuse = sprintf(
      paste0(
        "Future (%s) left graphics devices behind: %s. Close each with ",
        "dev.off()."
      ),
      who, paste(sQuote(details$devices, FALSE), collapse = ", ")
    ),
    DefaultDeviceMisuse = sprintf(
      paste0(
        "Future (%s) opened the default graphics device, which writes ",
        "'Rplots.pdf'. Open another device, such as png(), and close it."
      ),
      who
    )
  )
  paste(text, future_origin(future))
}

# Signals what the result says the expression should not have done. A real
# error of the expression comes first, so this is not called when there is one.
signal_misuse <- function(future, result) {
  for (kind in names(result$misuse)) {
    action <- misuse_action(kind)
    if (action == "ignore") next
    details <- result$misuse[[kind]]
    message <- misuse_message(kind, future, details)
    if (action == "warning") {
      warning(new_misuse(kind, "Warning", message, future, details = details))
    } else {
      stop(new_misuse(kind, "Error", message, future, details = details))
    }
  }
}
