# What the workers of a plan do, and what has happened to them.

#' See how the workers of a plan are
#'
#' How many there are, what they do, and what has happened to them: when each
#' started, and when and of what one ended, with what it printed last.
#'
#' @return A list of class `elsewhere_plan_status`, which prints as a summary:
#'   * `strategy`: name of the strategy that rules.
#'   * `workers`, `busy`, `free`: numbers of workers, as [nbrOfWorkers()] counts
#'     them. `queued`: futures that wait for one.
#'   * `answered`: tasks that workers have answered (a future is one task, a map
#'     one for each chunk), `started` and `ended`: workers that have become
#'     ready and that have ended, all since the plan was set. `NA` where they are
#'     not counted: under [sequential], [multicore] and in the nodes of a cluster
#'     of the parallel package.
#'   * `pids`: integer vector, process identifiers of the workers that are up;
#'     under [multicore], of the forks that run.
#'   * `broken`: why no worker comes any more, or `NULL` if all is well.
#'   * `events`: data frame of the last 1000 events, oldest first. `event` is
#'     `"start"`, `"replace"` (a start in the place of a worker that has ended),
#'     `"exit"`, `"recycle"` (it had served as long as `plan(recycle = )` says)
#'     or `"no start"`; `at` (time), `place` (the number of the worker in the
#'     plan), `pid`, `host` (`""` for this machine), `tasks` (answered by that
#'     worker) and `how` (it ended, in words).
#' @section Errors:
#' * `FutureLaunchError`: the workers of the plan cannot be started.
#' @examples
#' \donttest{
#' plan(multisession, workers = 2)
#' invisible(tryCatch(value(future(quit("no", 3))), error = identity))
#' plan_status()
#' plan_status()$events
#' plan(sequential)
#' }
#' @export
plan_status <- function() {
  backend <- current_backend()
  structure(
    c(
      list(
        strategy = strategy_name(current_stack()[[1L]]),
        workers = nbrOfWorkers(), free = nbrOfFreeWorkers()
      ),
      backend$status()
    )[status_fields],
    names = status_fields, class = "elsewhere_plan_status"
  )
}

status_fields <- c(
  "strategy", "workers", "busy", "free", "queued", "answered", "started",
  "ended", "pids", "broken", "events"
)

#' @export
print.elsewhere_plan_status <- function(x, ...) {
  cat(sprintf(
    "plan: %s; workers: %g (%g busy, %g free); queued: %g\n",
    x$strategy, x$workers, x$busy, x$free, x$queued
  ))
  if (!is.na(x$started)) {
    cat(sprintf(
      "tasks answered: %g; workers started: %g, ended: %g\n",
      x$answered, x$started, x$ended
    ))
  }
  if (!is.null(x$broken)) cat("no worker comes any more:", x$broken, "\n")
  ends <- x$events[x$events$event %in% c("exit", "no start"), ]
  for (i in utils::tail(seq_len(nrow(ends)), 3L)) {
    cat(format(ends$at[[i]]), " ", ends$how[[i]], "\n", sep = "")
  }
  invisible(x)
}
