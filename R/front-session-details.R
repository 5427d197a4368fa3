#' Describe this R session
#'
#' Returns facts about the R process that runs this function. To ask a worker,
#' use `value(future(sessionDetails()))`.
#'
#' @param env `TRUE` also returns the environment variables. Default: `FALSE`.
#' @param ... Not used.
#' @return A list of class `elsewhere_session_details` with elements `pid`, `r`
#'   (a `sessionInfo`), `system` (from [Sys.info()]), `library_paths`, `cores`,
#'   `directory` and, with `env = TRUE`, `variables`.
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
`[.elsewhere_session_details` <- function(x, i) {
  structure(unclass(x)[i], class = class(x))
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

#' Show how futures are set up
#'
#' Prints, as messages, what to include in a question or bug report about
#' futures: package versions, cores, options, the plan and, after a trial run,
#' the R processes that it uses.
#'
#' @param test `TRUE` (default) evaluates one future on each worker.
#' @param anonymize `TRUE` (default) hides the names of machines and users.
#' @return `NULL`, invisibly.
#' @section Errors:
#' * `elsewhere_bad_argument`: an argument is not `TRUE` or `FALSE`.
#' * The errors of [value()], if the trial run fails.
#' @examples
#' futureSessionInfo(test = FALSE)
#' @export
futureSessionInfo <- function(test = TRUE, anonymize = TRUE) {
  check_flag(test, "test")
  check_flag(anonymize, "anonymize")
  say <- function(x) {
    message(paste(utils::capture.output(print(x)), collapse = "\n"))
  }
  message("*** Package versions")
  packages <- c("elsewhere", "parallelly", "processx", "later", "promises")
  versions <- vapply(packages, function(name) {
    as.character(utils::packageVersion(name))
  }, "")
  message(paste(packages, versions, collapse = ", "))
  message("\n*** Cores and workers")
  say(availableCores(which = "all"))
  if (!anonymize) say(availableWorkers())
  message("\n*** Options")
  set <- options()[grep("^(future|elsewhere|parallelly)[.]", names(options()))]
  for (name in names(set)) {
    value <- paste(deparse(set[[name]], nlines = 1L), collapse = "")
    message(sprintf("%s = %s", name, value))
  }
  message("\n*** Plan")
  say(plan("list"))
  message("Number of workers: ", nbrOfWorkers())
  if (!test) return(invisible())
  message("\n*** This process")
  say(session_table(list(session_row()), anonymize))
  message("\n*** Trial run, one future per worker")
  # Each waits for a moment, so that no worker does two of them.
  rows <- value(lapply(seq_len(min(nbrOfWorkers(), 1000)), function(i) {
    future(
      { Sys.sleep(delay); session_row() },
      globals = list(
        delay = getOption("future.futureSessionInfo.delay", 0.2),
        session_row = `environment<-`(session_row, globalenv())
      )
    )
  }))
  say(session_table(rows, anonymize))
  count <- length(unique(vapply(rows, `[[`, 0L, "pid")))
  message(sprintf(
    ngettext(
      count, "%d process evaluated %d futures.",
      "%d processes evaluated %d futures."
    ),
    count, length(rows)
  ))
  invisible()
}

# Base R only: evaluated in the workers.
session_row <- function() {
  info <- Sys.info()
  list(
    pid = Sys.getpid(), r = format(getRversion()), host = info[["nodename"]],
    user = info[["user"]], system = paste(info[["sysname"]], info[["release"]])
  )
}

session_table <- function(rows, anonymize) {
  out <- do.call(rbind, lapply(rows, as.data.frame))
  if (anonymize) {
    out$host <- sprintf("host%02d", match(out$host, unique(out$host)))
    out$user <- sprintf("user%02d", match(out$user, unique(out$user)))
  }
  out
}
