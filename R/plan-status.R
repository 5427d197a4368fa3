# What the workers of a plan do, and what has happened to them.

#' Report the state of a plan's workers
#'
#' Shows how many workers there are and what they do, when each started, and
#' when and how it ended, with its last output.
#'
#' @return A list of class `elsewhere_plan_status`, which prints as a summary:
#'   * `strategy`: name of the current strategy.
#'   * `workers`, `busy`, `free`: numbers of workers, as [nbrOfWorkers()] counts
#'     them. `queued`: number of futures that wait for a worker.
#'   * `answered`: number of tasks that workers have answered (a future is one
#'     task, a map has one for each chunk); `started` and `ended`: numbers of
#'     workers that have become ready and that have ended. All count from when
#'     the plan was set. They are `NA` if they are not counted: under
#'     [sequential], [multicore] and in the nodes of a cluster of the parallel
#'     package.
#'   * `pids`: integer vector, process identifiers of the workers that are up;
#'     under [multicore], of the running forks.
#'   * `broken`: why no more workers can be started, or `NULL` if all is well.
#'   * `events`: data frame of the last 1000 events, oldest first. `event` is
#'     `"start"`, `"replace"` (a worker started to replace one that has ended),
#'     `"exit"`, `"recycle"` (a worker was replaced as `plan(recycle = )` says)
#'     or `"no start"`; `at` (time), `place` (the number of the worker in the
#'     plan), `pid`, `host` (`""` for this machine), `tasks` (how many that
#'     worker has answered) and `how` (how it ended, in words).
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
  if (!is.null(x$broken)) {
    cat("no more workers can be started:", x$broken, "\n")
  }
  ends <- x$events[x$events$event %in% c("exit", "no start"), ]
  for (i in utils::tail(seq_len(nrow(ends)), 3L)) {
    cat(format(ends$at[[i]]), " ", ends$how[[i]], "\n", sep = "")
  }
  invisible(x)
}
