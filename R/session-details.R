#' Describe this R session
#'
#' What is worth knowing about the R process in which a future is evaluated:
#' `value(future(sessionDetails()))`.
#'
#' @param env `TRUE` adds the environment variables. Default: `FALSE`.
#' @param ... Not used.
#' @return A list of class `elsewhere_session_details`: `pid`, `r` (a
#'   `sessionInfo`), `system` (from [Sys.info()]), `library_paths`, `cores`,
#'   `directory`, and with `env = TRUE` `variables`.
#' @section Errors:
#' * `elsewhere_bad_argument`: `env` is not `TRUE` or `FALSE`.
#' @examples
#' sessionDetails()$pid == Sys.getpid()
#' @export
sessionDetails <- function(env = FALSE, ...) {
  check_flag(env, "env")
  structure(
    class = "elsewhere_session_details",
    list(
      pid = Sys.getpid(), r = utils::sessionInfo(), system = Sys.info(),
      library_paths = .libPaths(), cores = availableCores(which = "all"),
      directory = getwd(), variables = if (env) Sys.getenv()
    )
  )
}

#' @export
print.elsewhere_session_details <- function(x, ...) {
  cat(sprintf(
    "%s in process %d on %s, in %s\n", x$r$R.version$version.string, x$pid,
    x$system[["nodename"]], x$directory
  ))
  cat("Libraries:", paste0("  ", x$library_paths), sep = "\n")
  invisible(x)
}
