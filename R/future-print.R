#' @export
print.elsewhere_future <- function(x, ...) {
  cat(format_future(x), sep = "\n")
  invisible(x)
}

format_future <- function(future) {
  field <- function(name) .subset2(future, name)
  c(
    sprintf("%s:", setdiff(class(future), "elsewhere_future")[[1L]]),
    sprintf("Label: %s", describe_future(future)),
    "Expression:",
    paste0("  ", utils::head(deparse(field("expr")), 20L)),
    sprintf("Globals: %s", format_globals(field("globals"))),
    sprintf("Packages: %s", format_names(field("packages"))),
    sprintf("L'Ecuyer-CMRG RNG seed: %s", format_seed(field("seed"))),
    sprintf("Capture standard output: %s", as.vector(future$stdout)),
    sprintf(
      "Capture condition classes: %s", format_conditions(future$conditions)
    ),
    sprintf("Lazy evaluation: %s", future$lazy),
    sprintf(
      "State: %s (%s)", sQuote(field("state"), FALSE),
      state_words[[field("state")]]
    ),
    sprintf("Resolved: %s", is_ready(future)),
    sprintf(
      "Unique identifier: %s", paste(future_uuid(future), collapse = "-")
    ),
    sprintf("Owner process: %s", field("owner")),
    sprintf("Class: %s", format_names(class(future))),
    format_outcome(field("outcome"))
  )
}

state_words <- c(
  created = "not started",
  running = "being evaluated",
  finished = "has been evaluated",
  failed = "could not be evaluated",
  interrupted = "its evaluation was interrupted",
  canceled = "was canceled"
)

format_names <- function(names) {
  if (!length(names)) return("<none>")
  paste(sQuote(names, FALSE), collapse = ", ")
}

format_globals <- function(globals) {
  if (!length(globals)) return("<none>")
  bytes <- vapply(
    globals, function(value) as.numeric(utils::object.size(value)), 0
  )
  sprintf(
    "%d objects of %s in memory (%s)", length(globals),
    format_bytes(sum(bytes)),
    paste(sprintf(
      "%s %s of %s", vapply(globals, function(value) class(value)[[1L]], ""),
      sQuote(names(globals), FALSE), vapply(bytes, format_bytes, "")
    ), collapse = ", ")
  )
}

format_seed <- function(seed) {
  if (is.null(seed)) {
    "<none>"
  } else {
    paste0("(", paste(seed, collapse = ", "), ")")
  }
}

format_conditions <- function(classes) {
  if (is.null(classes)) return("<not intercepted>")
  sprintf(
    "%s (excluding %s)", format_names(as.vector(classes)),
    format_names(attr(classes, "exclude"))
  )
}

format_outcome <- function(outcome) {
  if (is.null(outcome)) return("Value: <not collected>")
  if (!is.null(outcome$failure)) {
    return(sprintf("Value: <none>: %s", conditionMessage(outcome$failure)))
  }
  lines <- if (isTRUE(outcome$failed)) {
    "Value: <none>, the expression raised an error"
  } else {
    sprintf(
      "Value: %s of class %s",
      format_bytes(as.numeric(utils::object.size(outcome$value))),
      sQuote(class(outcome$value)[[1L]], FALSE)
    )
  }
  counts <- table(vapply(outcome$conditions, function(entry) {
    class(entry$condition)[[1L]]
  }, ""))
  conditions <- if (length(counts)) {
    paste(sprintf("%d %s", counts, names(counts)), collapse = ", ")
  } else {
    "<none>"
  }
  c(
    lines, sprintf("Conditions captured: %s", conditions),
    sprintf("Duration: %.3f seconds of evaluation", diff(outcome$times))
  )
}
