# Tasks that are forks of this process, which have everything that it has. They
# are asked like any other: the functions of R/pool-task.R take both kinds.

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
