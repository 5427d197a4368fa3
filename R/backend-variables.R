# The environment that workers have when R starts there: libraries that compute
# read it when they are loaded, and R itself loads some.

# `rscript_envs`: a named character vector. A variable without a name is that of
# this process.
check_start_variables <- function(variables) {
  if (is.null(variables)) return(NULL)
  if (!is.character(variables) || anyNA(variables)) {
    abort_argument("rscript_envs", "a named character vector", variables)
  }
  is_named <- nzchar(names(c(variables, x = "")))[seq_along(variables)]
  wrong <- grep("=", names(variables), value = TRUE, fixed = TRUE)
  if (length(wrong)) abort_argument("rscript_envs", "names without `=`", wrong)
  # Asked for no name, Sys.getenv() would give all.
  here <- vapply(variables[!is_named], Sys.getenv, "", NA)
  names(here) <- variables[!is_named]
  c(variables[is_named], here[!is.na(here)])
}

# By which libraries are told how many threads they may use.
thread_variables <- c(
  "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
  "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"
)

# `threads`: NA leaves the machine's. Not given: one where several workers share
# the machine, unless the environment here says how many.
check_threads <- function(threads, workers) {
  if (is.null(threads)) {
    is_said <- any(nzchar(Sys.getenv(thread_variables)))
    return(if (workers > 1L && !is_said) 1L else NA_integer_)
  }
  if (length(threads) == 1L && is.na(threads)) return(NA_integer_)
  is_right <- is_whole_number(threads) && threads >= 1 &&
    threads < .Machine$integer.max
  if (!is_right) {
    abort_argument(
      "threads", "one whole number, 1 or more, or `NA`", threads
    )
  }
  as.integer(threads)
}

# What R is to have in its environment when it starts; what was asked for by
# name wins.
start_variables <- function(threads, variables = NULL) {
  if (is.na(threads)) return(variables)
  for_threads <- stats::setNames(
    rep(as.character(threads), length(thread_variables)), thread_variables
  )
  c(for_threads[setdiff(thread_variables, names(variables))], variables)
}

# The same, once R runs: for what reads the environment only then, and where
# files of R's start have set something else.
variable_steps <- function(variables) {
  if (!length(variables)) return(list())
  set <- as.call(c(quote(Sys.setenv), as.list(variables)))
  list(setup_step(set, globalenv()))
}

# In a process that runs already.
limit_threads <- function(threads) {
  if (is.na(threads)) return()
  do.call(Sys.setenv, as.list(start_variables(threads)))
  .Call(ew_threads_limit, threads)
}
