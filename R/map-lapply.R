#' Apply a function over a list, with the arguments of future.apply
#'
#' Works as [future_map()], with the argument names, the chunks and the random
#' numbers of `future_lapply()` from the future.apply package.
#'
#' @param X A vector or list. An environment is converted to a list.
#' @param FUN A function, or its name.
#' @param ... Further arguments of `FUN`.
#' @param future.envir Where globals are looked up. Default: the caller's
#'   environment.
#' @param future.stdout,future.conditions,future.globals,future.packages As in
#'   [future()], without `future.`.
#' @param future.seed,future.label As `seed` and `label` in [future()].
#'   `future.seed` may also be a list with one seed for each element.
#' @param future.scheduling Number of chunks per worker. Default: 1. `Inf`: one
#'   chunk per element; `FALSE`: a single chunk; `TRUE`: 1.
#' @param future.chunk.size Number of elements per chunk, instead of
#'   `future.scheduling`.
#' @return A list as long as `X`, with its names.
#' @inheritSection future_map Errors
#' @examples
#' future_lapply(1:3, function(i) i^2)
#' @export
future_lapply <- function(X, FUN, ..., future.envir = parent.frame(),
                          future.stdout = TRUE, future.conditions = "condition",
                          future.globals = TRUE, future.packages = NULL,
                          future.seed = FALSE, future.scheduling = 1,
                          future.chunk.size = NULL,
                          future.label = "future_lapply-%d") {
  FUN <- match.fun(FUN)
  check_chunk_size(future.chunk.size)
  run_map(
    as_mappable(X), FUN, list(...),
    progress = FALSE, seed = future.seed, globals = future.globals,
    packages = future.packages, stdout = future.stdout,
    conditions = future.conditions,
    label = if (is.character(future.label)) future.label,
    timeout = Inf, retries = 0L,
    chunks = function(count, backend, bytes) {
      even_chunks(count, scheduled_chunks(
        count, map_workers(backend), future.scheduling, future.chunk.size
      ))
    },
    envir = future.envir
  )
}

# How many chunks future.apply's arguments ask for.
scheduled_chunks <- function(count, workers, scheduling, chunk_size) {
  if (!is.null(chunk_size)) return(ceiling(count / chunk_size))
  if (is.logical(scheduling)) return(if (isTRUE(scheduling)) workers else 1L)
  if (!is.numeric(scheduling) || length(scheduling) != 1L ||
    is.na(scheduling) || scheduling < 0) {
    abort_argument(
      "future.scheduling", "`TRUE`, `FALSE` or one number, 0 or more",
      scheduling
    )
  }
  if (scheduling == 0) return(1L)
  if (is.infinite(scheduling)) return(count)
  ceiling(scheduling * workers)
}
