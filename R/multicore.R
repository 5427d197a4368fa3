# plan(multicore): each future in a fork of this process, which has everything
# that this one has. A fork's task is asked like any other: the functions of
# R/task.R take both kinds.

# Evaluates `body()` in a fork; its value is the task's outcome.
# `refuses(value)` says whether an external pointer in it is an error.
fork_start <- function(body, retries = 0L, timeout = Inf,
                       refuses = function(value) TRUE) {
  .Call(ew_fork_start, forked_function(body, refuses), retries, timeout)
}

# The task holds this as long as it runs, so it must not hold the task, as
# whoever starts it does: else nothing would tell that nobody wants it any more.
forked_function <- function(body, refuses) {
  force(body)
  force(refuses)
  function() {
    value <- body()
    .Call(ew_fork_reply, value, refuses(value))
  }
}

forked_evaluation <- function(payload, nested) {
  evaluate <- fork_evaluator()
  force(nested)
  force(payload)
  function() {
    become_fork(nested, is.null(payload$seed))
    evaluate(payload)
  }
}

forked_refusal <- function(payload) {
  force(payload)
  function(value) refuses_result(value, payload)
}

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
    forked_evaluation(payload, backend$nested), as.integer(future$retries),
    future$timeout, forked_refusal(payload)
  )
  set_fields(future, list(
    task = task, state = "running", start = .Call(ew_now)
  ))
  backend$running <- c(backend$running, list(.Call(ew_weak_reference, task)))
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

forks <- new.env(parent = emptyenv())
forks$evaluate <- NULL

# The evaluator as workers have it, in an environment of its own, where the
# process counts as a worker and emit() reaches the owner.
fork_evaluator <- function() {
  if (is.null(forks$evaluate)) {
    home <- new.env(parent = baseenv())
    functions <- c(shipped$evaluator, worker_functions(
      emit = function(condition) .Call(ew_fork_emit, condition),
      capture_begin = capture_begin, capture_end = capture_end
    ))
    for (name in names(functions)) {
      home[[name]] <- closure_in(functions[[name]], home)
    }
    here <- topenv()
    for (entry in ls(here, pattern = "^ew_")) home[[entry]] <- here[[entry]]
    forks$evaluate <- home$evaluate
  }
  forks$evaluate
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

# The same for every plan of which the engine does not know.
slots_free <- function(backend) {
  if (backend$is_forking) forks_free(backend) else nodes_free(backend)
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

is_fork <- function(task) .Call(ew_fork_is, task)

# Calls `callback()` once from later's event loop when the fork has settled. A
# fork has no I/O thread that could tell, so later watches its channel.
fork_notify <- function(task, callback) {
  watched <- .Call(ew_fork_watch, task)
  if (task_settled(task)) {
    .Call(ew_fork_forget, watched)
    later(callback, 0)
    return(invisible())
  }
  later::later_fd(function(ready) {
    .Call(ew_fork_forget, watched)
    fork_notify(task, callback)
  }, watched)
  invisible()
}
