# plan(multicore): each future in a fork of this process. A fork is one attempt:
# none is replaced, and none has anything that this process has not.

forks_options <- c("workers", "queue", "threads")

kind_forks <- list(
  title = "forks of this process",
  options = list("forks of this process (multicore)" = forks_options),
  # With a queue, futures are to start by themselves later on, which takes the
  # engine: then a pool evaluates them.
  fits = function(settings) {
    settings$name == "multicore" && identical(as.numeric(settings$queue), 0)
  },
  record = function(backend) {
    list(
      options_known = forks_options,
      close = function() forks_stop(backend),
      # A fork cannot queue.
      may_launch = function(wait) wait || forks_free(backend) > 0L,
      launch = function(future, payload, options, wait) {
        launch_in_fork(future, backend, payload, options)
      },
      free = function(background) forks_free(backend),
      # What this process has, each fork has.
      do = function(expr, envir, packages) do_here(expr, packages),
      status = function() {
        running <- forks_running(backend)
        status_uncounted(
          busy = length(running), pids = vapply(running, task_pid, 1L)
        )
      }
    )
  }
)

launch_in_fork <- function(future, backend, payload, options) {
  # What is left in the workspace ends with the fork.
  payload$keep <- TRUE
  payload$options <- list(mc.cores = 1L)
  forks_wait(backend)
  on_reference <- options$on_reference
  if (identical(on_reference, "error")) refuse_references(future)
  if (!is.null(on_reference) && on_reference != "error") {
    payload$allow_references <- TRUE
  }
  task <- fork_start(
    forked_evaluation(payload, backend$nested, backend$threads),
    as.integer(future$retries), future$timeout, forked_refusal(payload)
  )
  set_fields(future, list(
    task = task, state = "running", start = .Call(ew_now)
  ))
  backend$running <- c(backend$running, list(.Call(ew_weak_reference, task)))
}

forked_evaluation <- function(payload, nested, threads) {
  evaluate <- fork_evaluator()
  force(nested)
  force(threads)
  force(payload)
  function() {
    become_fork(nested, is.null(payload$seed))
    limit_threads(threads)
    evaluate(payload)
  }
}

forked_refusal <- function(payload) {
  force(payload)
  function(value) refuses_result(value, payload)
}

# In the fork: it has no workers, and must not draw the numbers of its owner.
become_fork <- function(nested, reseed) {
  plans$stack <- nested
  plans$backend <- NULL
  plans$direct <- list()
  if (reseed) rm(list = intersect(".Random.seed", names(.GlobalEnv)),
    envir = globalenv()
  )
}

# The plan's tasks that run. It holds them weakly: a fork that nobody asks for
# any more ends with its future.
forks_running <- function(backend) {
  tasks <- lapply(backend$running, function(weak) .Call(ew_weak_value, weak))
  is_running <- !vapply(tasks, function(task) {
    is.null(task) || task_settled(task)
  }, NA)
  backend$running <- backend$running[is_running]
  tasks[is_running]
}

# How many more forks the plan allows now.
forks_free <- function(backend) {
  max(0L, as.integer(backend$workers) - length(forks_running(backend)))
}

# Waits until one more may run.
forks_wait <- function(backend) {
  if (forks_free(backend) > 0L) return()
  # Before the second wait, R is made to notice what nobody holds.
  if (!tasks_wait(forks_running(backend), patience_seconds, enough = 1)) gc()
  while (forks_free(backend) == 0L) {
    tasks_wait(forks_running(backend), enough = 1)
  }
}

forks_stop <- function(backend) {
  for (task in forks_running(backend)) task_cancel(task, 0)
  backend$running <- list()
}
