# Pools of workers and their tasks: the internal front of
# src/bridge/entry/pool.cpp. A pool and a task are external pointers. A task
# that is garbage collected is abandoned: dropped from the queue, or interrupted
# where it runs.

# `setup` is what every worker receives first; see worker_setup(). Workers start
# in the background: what is submitted meanwhile waits for them. `recycle` is
# after how many tasks, seconds and bytes of growth a worker is replaced.
# `remotes` is what remote_launch() gives: the last of the workers are there.
# `variables` are those of the environment that R has when it starts.
pool_start <- function(workers, setup, launch = "nursery",
                       environment = worker_environment(),
                       start_timeout = 30, recycle = rep(Inf, 3L),
                       remotes = NULL, variables = NULL) {
  setup$in_pool <- TRUE
  .Call(ew_pool_start, workers, setup, list(
    program = worker_program(),
    arguments = worker_arguments(),
    environment = environment,
    variables = as_entries(variables),
    launch = launch,
    start_timeout = start_timeout,
    recycle = recycle,
    remotes = remotes
  ))
}

# A named character vector as NAME=value.
as_entries <- function(variables) {
  if (!length(variables)) return(character())
  paste0(names(variables), "=", variables)
}

# Ends the workers at once; tasks that have not settled become cancelled.
pool_stop <- function(pool) {
  invisible(.Call(ew_pool_stop, pool))
}

# list(workers, busy, queued, open, broken, pids, answered, started, ended):
# `broken` is NULL, or why no worker could be started; `pids` are the workers
# that are up; the last three count tasks and workers since the start.
pool_status <- function(pool) {
  .Call(ew_pool_status, pool)
}

# How long to wait before R is made to notice what nobody holds any more.
patience_seconds <- 0.2

# How many new tasks would not have to wait for another task.
pool_free <- function(pool) {
  .Call(ew_pool_free, pool)
}

# Waits until a new task would run at once, or would find fewer than
# `queued_max` tasks in the queue. FALSE when `timeout` seconds have passed.
# Ctrl-C ends it.
pool_wait_for_room <- function(pool, queued_max = 0, timeout = Inf) {
  .Call(ew_pool_wait_for_room, pool, queued_max, timeout)
}

# `payload` is what the workers' evaluate() gets. `retries` counts lost workers
# only; `timeout` is in seconds of running; a higher `priority` runs earlier.
# With `refuse = TRUE` the answer for a payload with a live external pointer is
# NULL, and nothing is sent.
task_submit <- function(pool, payload, retries = 0L, timeout = Inf,
                        priority = 0L, refuse = TRUE) {
  .Call(ew_pool_submit, pool, payload, retries, timeout, priority, refuse)
}

# "queued", "running" or "settled".
task_state <- function(task) {
  .Call(ew_task_state, task)
}

# The process that runs it, of a task that is not the engine's.
task_pid <- function(task) {
  .Call(ew_task_pid, task)
}

task_settled <- function(task) {
  .Call(ew_task_settled, task)
}

# Waits until `enough` of a list of tasks have settled: TRUE. FALSE when
# `timeout` seconds have passed, and with `events = TRUE` also NA as soon as one
# of them has events to take. Ctrl-C ends the wait and nothing else.
tasks_wait <- function(tasks, timeout = Inf, enough = length(tasks),
                       events = FALSE) {
  .Call(ew_task_wait, tasks, timeout, enough, events)
}

# list(kind, value, message, pid, status, signal, output) of a settled task.
# kind: "value" (value is what evaluate() returned), "unserializable",
# "aborted", "lost" (the worker ended: status or signal, and its last output),
# "cancelled", "timeout", "start" (no worker could be started).
task_outcome <- function(task) {
  .Call(ew_task_outcome, task)
}

# Takes the conditions that came while the task ran.
task_events <- function(task) {
  .Call(ew_task_events, task)
}

# Interrupts a running task and, if it still runs after `grace` seconds, kills
# its worker. The task is settled as cancelled at once. FALSE if it had settled.
task_cancel <- function(task, grace = 2) {
  .Call(ew_task_cancel, task, grace)
}

# Calls `callback()` once from later's current event loop when the task has
# settled.
task_notify <- function(task, callback) {
  if (is_fork(task)) return(fork_notify(task, callback))
  loop <- current_loop_id()
  # What waits to be told of has been announced to other loops only.
  if (loop != 0L) run_notified()
  key <- format(.Call(ew_task_notify, task, loop), digits = 15)
  waiter <- list(callback = callback, task = task, loop = loop)
  awaited[[key]] <- c(awaited[[key]], list(waiter))
  hold_loop(loop)
  invisible()
}

# Who waits for which task; run by the I/O thread's call through later.
awaited <- new.env(parent = emptyenv())

run_notified <- function() {
  for (key in format(.Call(ew_take_notified), digits = 15, trim = TRUE)) {
    waiters <- awaited[[key]]
    if (is.null(waiters)) next
    rm(list = key, envir = awaited)
    for (waiter in waiters) tell_waiter(waiter)
  }
}

# Later's own frames are below: an error goes on from a callback of its own.
tell_waiter <- function(waiter) {
  loop <- if (is_loop_id(waiter$loop)) waiter$loop else 0L
  later(waiter$callback, 0, loop = loop_handle(loop))
  release_loop(waiter$loop)
}

# An event loop must not look empty while somebody waits in it for a task.
held_loops <- new.env(parent = emptyenv())

hold_loop <- function(loop) {
  key <- as.character(loop)
  held <- held_loops[[key]]
  if (is.null(held)) {
    held <- list(
      count = 0L, cancel = later(function() NULL, 1e7, loop = loop_handle(loop))
    )
  }
  held$count <- held$count + 1L
  held_loops[[key]] <- held
}

release_loop <- function(loop) {
  key <- as.character(loop)
  held <- held_loops[[key]]
  held$count <- held$count - 1L
  held_loops[[key]] <- held
  if (held$count > 0L) return()
  held$cancel()
  rm(list = key, envir = held_loops)
}
