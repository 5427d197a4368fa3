# plan(multicore): each future in a fork of this process, which has everything
# that this one has. A fork's task is asked like any other: the functions of
# R/task.R take both kinds.

# Evaluates `body()` in a fork; its value is the task's outcome.
fork_start <- function(body, retries = 0L, timeout = Inf, refuse = TRUE) {
  force(refuse)
  .Call(
    ew_fork_start, function() .Call(ew_fork_reply, body(), refuse),
    retries, timeout
  )
}

launch_in_fork <- function(future, backend, payload, options) {
  # What is left in the workspace ends with the fork.
  payload$keep <- TRUE
  payload$options <- list(mc.cores = 1L)
  forks_wait(backend)
  on_reference <- options$on_reference
  if (identical(on_reference, "error")) refuse_references(future)
  evaluate <- fork_evaluator()
  nested <- backend$nested
  task <- fork_start(
    function() {
      become_fork(nested, is.null(payload$seed))
      evaluate(payload)
    },
    as.integer(future$retries), future$timeout,
    is.null(on_reference) || on_reference == "error"
  )
  set_fields(future, list(
    task = task, state = "running", start = .Call(ew_now)
  ))
  backend$running <- c(backend$running, list(task))
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
      # They come compiled, and `environment<-` would undo that.
      home[[name]] <- .Call(ew_worker_closure_in, functions[[name]], home)
    }
    here <- topenv()
    for (entry in ls(here, pattern = "^ew_")) home[[entry]] <- here[[entry]]
    forks$evaluate <- home$evaluate
  }
  forks$evaluate
}

# How many more forks the plan allows now.
forks_free <- function(backend) {
  backend$running <- Filter(Negate(task_settled), backend$running)
  max(0L, as.integer(backend$workers) - length(backend$running))
}

# The same for every plan of which the engine does not know.
slots_free <- function(backend) {
  if (backend$is_forking) forks_free(backend) else nodes_free(backend)
}

# Waits until one more may run.
forks_wait <- function(backend) {
  while (forks_free(backend) == 0L) tasks_wait(backend$running, enough = 1)
}

forks_stop <- function(backend) {
  for (task in backend$running) task_cancel(task, 0)
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
