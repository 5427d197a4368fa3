# How many workers a plan has.

#' @importFrom parallelly availableCores
#' @export
parallelly::availableCores

#' @importFrom parallelly makeClusterPSOCK
#' @export
parallelly::makeClusterPSOCK

#' @importFrom parallelly autoStopCluster
#' @export
parallelly::autoStopCluster

#' @importFrom parallelly availableWorkers
#' @export
parallelly::availableWorkers

#' @importFrom parallelly supportsMulticore
#' @export
parallelly::supportsMulticore

# A number of workers, from a number, `I(n)`, a function or host names. The
# class of `I(n)` stays: it asks for background workers even where n is 1.
check_workers <- function(workers) {
  if (is.function(workers)) workers <- workers()
  is_count <- is.numeric(workers) && length(workers) == 1L &&
    !is.na(workers) && workers >= 1 && workers < .Machine$integer.max
  if (!is_count) {
    abort(
      sprintf(
        paste0(
          "`workers` must be one number, 1 or more, or a function that gives ",
          "one, not %s."
        ),
        describe_value(workers)
      ),
      "elsewhere_bad_argument", arg = "workers", value = workers,
      home = c("FutureError", "FutureCondition")
    )
  }
  if (inherits(workers, "AsIs")) return(I(as.integer(workers)))
  count <- as.integer(workers)
  refuse_too_many(count)
  count
}

# Three times the cores of this machine is taken for a mistake.
refuse_too_many <- function(count) {
  cores <- availableCores()
  limit <- getOption("parallelly.maxWorkers.localhost", c(1, 3))
  if (length(limit) < 2L || count <= limit[[2L]] * cores) return()
  abort(
    sprintf(
      paste(
        "%d workers on %d cores are more than %g workers per core. Ask for",
        "fewer, or confirm the number with `workers = I(%d)`."
      ),
      count, cores, limit[[2L]], count
    ),
    "elsewhere_bad_argument", arg = "workers", value = count,
    home = c("FutureError", "FutureCondition")
  )
}

this_host <- function() {
  c("localhost", "127.0.0.1", "::1", Sys.info()[["nodename"]])
}

check_hosts <- function(hosts) {
  if (!length(hosts) || anyNA(hosts)) {
    abort_argument("workers", "host names", hosts)
  }
  hosts
}

# One for each node of a cluster of the parallel package.
hosts_of_cluster <- function(cluster) {
  vapply(cluster, function(node) {
    host <- if (is.environment(node) || is.list(node)) node[["host"]]
    if (is.character(host) && length(host) == 1L) host else "localhost"
  }, "")
}

check_queue <- function(queue) {
  is_right <- is.numeric(queue) && length(queue) == 1L && !is.na(queue) &&
    queue >= 0
  if (!is_right) {
    abort_argument(
      "queue", "one number, 0 or more: how many futures may wait", queue
    )
  }
  queue
}

# R leaves out what does not exist and says nothing; the worker would fail
# later.
check_libraries <- function(libraries) {
  if (is.null(libraries)) return(NULL)
  if (!is.character(libraries) || anyNA(libraries)) {
    abort_argument("rscript_libs", "library folders or `NULL`", libraries)
  }
  absent <- libraries[!dir.exists(libraries)]
  if (length(absent)) {
    abort(
      sprintf(
        paste0(
          "`rscript_libs` names %s, which is not a folder. Create it, or ",
          "leave it out."
        ),
        paste(sQuote(absent, FALSE), collapse = ", ")
      ),
      "elsewhere_bad_argument", arg = "rscript_libs", value = libraries,
      home = c("FutureError", "FutureCondition")
    )
  }
  normalizePath(libraries)
}
