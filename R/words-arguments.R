# One function a kind of argument: silent when it is right, and otherwise an
# error that says what was asked and what came.

abort_argument <- function(arg, wanted, value, call = sys.call(-2)) {
  abort(
    sprintf("`%s` must be %s, not %s.", arg, wanted, describe_value(value)),
    "elsewhere_bad_argument",
    arg = arg, value = value, call = call
  )
}

describe_value <- function(value) {
  if (is.null(value)) return("`NULL`")
  if (is.atomic(value) && length(value) == 1L) {
    return(paste0("`", paste(deparse(value), collapse = " "), "`"))
  }
  if (is.function(value)) return("a function")
  sprintf("a %s of length %d", class(value)[[1L]], length(value))
}

check_flag <- function(value, arg) {
  if (!is.logical(value) || length(value) != 1L || is.na(value)) {
    abort_argument(arg, "`TRUE` or `FALSE`", value)
  }
}

check_string <- function(value, arg) {
  if (!is.character(value) || length(value) != 1L || is.na(value)) {
    abort_argument(arg, "one string", value)
  }
}

check_function <- function(value, arg) {
  if (!is.function(value)) abort_argument(arg, "a function", value)
}

is_whole_number <- function(value) {
  is.numeric(value) && length(value) == 1L && !is.na(value) &&
    value == trunc(value)
}

check_seconds <- function(value, arg) {
  if (!is.numeric(value) || length(value) != 1L || is.na(value) || value < 0) {
    abort_argument(
      arg, "one number of seconds, 0 or more (`Inf` waits forever)", value
    )
  }
}

# Times may come as a difftime.
seconds_of <- function(time) {
  if (inherits(time, "difftime")) as.numeric(time, units = "secs") else time
}
