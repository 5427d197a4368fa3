#' Get the full result of a future
#'
#' @param future A `Future`.
#' @param ... Not used.
#' @return An object of class `FutureResult`, a list: `value`, `visible`,
#'   `stdout` (`NULL` if not captured), `conditions` (a list of lists with
#'   element `condition`), `rng` (whether random numbers were drawn without a
#'   seed), `seed`, `started`, `finished`, `uuid`, `session_uuid`, `r_info`,
#'   `version`.
#' @section Errors:
#' The errors of [value()], except the error of the expression, which is the
#' last element of `conditions`.
#' @examples
#' result(future({ cat("hello"); 1 }))$stdout
#' @export
result <- function(future, ...) UseMethod("result")

#' @export
result.elsewhere_future <- function(future, ...) {
  outcome <- await_outcome(future)
  if (!is.null(outcome$failure)) stop(outcome$failure)
  as_future_result(future, outcome)
}

peek_result <- function(future) {
  outcome <- .subset2(future, "outcome")
  if (is.null(outcome)) return(NULL)
  if (!is.null(outcome$failure)) return(outcome$failure)
  as_future_result(future, outcome)
}

as_future_result <- function(future, outcome) {
  seconds <- function(x) if (is.null(x)) NULL else .POSIXct(x)
  FutureResult(
    value = outcome$value, visible = outcome$visible,
    stdout = captured_output(future, outcome),
    conditions = c(
      immediate_entries(future),
      lapply(outcome$conditions, function(entry) {
        entry$immediate <- NULL
        entry
      })
    ),
    rng = !is.null(outcome$misuse$Rng),
    seed = .subset2(future, "seed"),
    misuseGlobalEnv = outcome$misuse$GlobalEnvMisuse,
    misuseConnections = outcome$misuse$ConnectionMisuse,
    misuseDevices = outcome$misuse$DeviceMisuse,
    misuseDefaultDevice = outcome$misuse$DefaultDeviceMisuse,
    started = seconds(outcome$times[1L]), finished = seconds(outcome$times[2L]),
    uuid = future_uuid(future), session_uuid = worker_id(future)
  )
}

# Nothing printed is an empty string; nothing captured, or dropped, is NULL.
captured_output <- function(future, outcome) {
  if ("stdout" %in% names(outcome)) return(outcome$stdout)
  if (isTRUE(as.vector(future$stdout))) ""
}

# Which process evaluated it.
worker_id <- function(future) {
  pid <- .subset2(future, "pid")
  if (is.null(pid)) return(session_id())
  sprintf("%s-%d", Sys.info()[["nodename"]], pid)
}

#' Create the result of a future
#'
#' For backends in other packages and for tests.
#'
#' @param value The value. Default: `NULL`.
#' @param visible Whether the value is visible, that is, auto-printed. Default:
#'   `TRUE`.
#' @param stdout One string or `NULL` (default).
#' @param conditions A list of lists with element `condition`. Default: `NULL`.
#' @param rng Whether random numbers were drawn without a seed.
#' @param ... Further fields.
#' @param uuid,session_uuid Identifiers of the future and of its session.
#' @param started,finished Times of class `POSIXct`.
#' @param version Version of the format.
#' @return A list of class `FutureResult`.
#' @examples
#' FutureResult(42)$value
#' @export
FutureResult <- function(value = NULL, visible = TRUE, stdout = NULL,
                         conditions = NULL, rng = FALSE, ..., uuid = NULL,
                         session_uuid = session_id(), started = NULL,
                         finished = Sys.time(), version = "1.8") {
  structure(
    class = c("elsewhere_future_result", "FutureResult", "list"),
    list(
      value = value, visible = visible, stdout = stdout,
      conditions = conditions, rng = rng, ..., started = started,
      finished = finished, uuid = uuid, session_uuid = session_uuid,
      r_info = list(
        version = getRversion(), os = .Platform$OS.type,
        os_name = Sys.info()[["sysname"]], captures_utf8 = TRUE
      ),
      version = version
    )
  )
}

#' @export
print.elsewhere_future_result <- function(x, ...) {
  cat("FutureResult:\n")
  cat(sprintf("value: %s\n", describe_value(x$value)))
  cat(sprintf("visible: %s\n", x$visible))
  cat(sprintf("stdout: %d characters\n", sum(nchar(x$stdout))))
  cat(sprintf("conditions: %d\n", length(x$conditions)))
  cat("started: ", format(x$started), "\n", sep = "")
  cat("finished: ", format(x$finished), "\n", sep = "")
  invisible(x)
}
