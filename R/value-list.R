# Many futures at once: waits for whichever settles next, relays in order, and
# stops the rest when one has failed.

is_future <- function(x) inherits(x, "elsewhere_future")

# The list with futures replaced by their values. `ahead` is how many are watched
# at a time, and started if they are lazy; `on_settled(i)` is told of each.
collect_all <- function(x, stdout = TRUE, signal = TRUE, inorder = TRUE,
                        drop = FALSE, ahead = 64L,
                        on_settled = NULL) {
  values <- x
  here <- which(vapply(x, inherits, NA, "Future"))
  if (!length(here)) return(values)
  futures <- unclass(x)[here]
  watch <- watch_futures(futures, ahead)
  relayed <- 0L
  is_settled <- logical(length(futures))
  relay <- function(i) {
    # `[<-` keeps an element whose value is NULL.
    values[here[[i]]] <<- list(relayed_value(futures[[i]], stdout, signal))
  }
  while (relayed < length(futures)) {
    new <- watch()
    is_settled[new] <- TRUE
    if (!is.null(on_settled)) for (i in new) on_settled(i)
    if (signal) {
      for (i in new) {
        if (has_failed(futures[[i]])) {
          stop_rest(futures, is_settled, i, relayed, stdout)
        }
      }
    }
    if (!inorder) {
      for (i in new) relay(i)
      relayed <- relayed + length(new)
    } else {
      while (relayed < length(futures) && is_settled[[relayed + 1L]]) {
        relayed <- relayed + 1L
        relay(relayed)
      }
    }
  }
  if (drop) for (future in futures) drop_future(future)
  values
}

# value(), with a short way for what has nothing to relay.
relayed_value <- function(future, stdout, signal) {
  outcome <- .subset2(future, "outcome")
  has_more <- is.null(outcome) || !is.null(outcome$failure) ||
    length(outcome$conditions) || length(outcome$misuse) ||
    !is.null(outcome$stdout) && nzchar(outcome$stdout)
  if (has_more) value(future, stdout = stdout, signal = signal) else outcome$value
}

# A function that settles at least one more of the futures and says which, until
# all are. Those that wait are watched a few at a time: a pool works in order, so
# the next to settle is among them, and what is sent ahead stays small.
watch_futures <- function(futures, ahead) {
  reached <- 0L
  watched <- integer()  # started or to be started, not settled
  tasks <- list()       # theirs; NULL where no worker could be had yet
  take <- function(is_done) {
    new <- watched[is_done]
    for (i in new) if (is_future(futures[[i]])) await_outcome(futures[[i]])
    watched <<- watched[!is_done]
    tasks <<- tasks[!is_done]
    new
  }
  start_more <- function() {
    for (k in which(!lengths(tasks))) {
      start_queued(futures[[watched[[k]]]])
      tasks[k] <<- list(.subset2(futures[[watched[[k]]]], "task"))
    }
    while (reached < length(futures) && length(watched) < ahead) {
      reached <<- reached + 1L
      future <- futures[[reached]]
      start_queued(future)
      watched <<- c(watched, reached)
      task <- if (is_future(future)) .subset2(future, "task")
      tasks[length(watched)] <<- list(task)
    }
  }
  function() {
    start_more()
    has_task <- lengths(tasks) > 0L
    if (!all(has_task)) {
      is_done <- vapply(futures[watched], is_ready, NA)
      if (any(is_done)) return(take(is_done))
      # Forks that others hold: this waits for one of them to end.
      if (!any(has_task)) return(take(seq_along(watched) == 1L))
    }
    running <- if (all(has_task)) tasks else tasks[has_task]
    repeat {
      is_done <- has_task
      is_done[has_task] <- .Call(ew_tasks_settled, running)
      if (any(is_done)) return(take(is_done))
      if (is.na(tasks_wait(running, Inf, TRUE, TRUE))) {
        for (i in watched[has_task]) relay_events(futures[[i]])
      }
    }
  }
}

# Has settled, whether or not its outcome was taken. Futures of the future
# package are asked when it is their turn.
is_ready <- function(future) {
  if (!is_future(future)) return(TRUE)
  if (!is.null(.subset2(future, "outcome"))) return(TRUE)
  if (inherits(future, "DroppedFuture")) return(TRUE)
  task <- .subset2(future, "task")
  if (is.null(task)) return(.subset2(future, "state") != "created")
  if (!identical(.subset2(future, "owner"), session_id())) return(TRUE)
  task_settled(task)
}

# Starts a lazy future; where all workers are busy it queues.
start_queued <- function(future) {
  if (is_future(future) && .subset2(future, "state") == "created") {
    launch_lazy(future, wait = FALSE)
  }
}

has_failed <- function(future) {
  is_future(future) && !is.null(outcome_error(.subset2(future, "outcome")))
}

# Relays what there is, cancels what is not settled, and raises the error.
stop_rest <- function(futures, is_settled, failed, relayed, stdout) {
  cancel(futures[!is_settled])
  for (i in which(is_settled)) {
    if (i > relayed && i != failed && !has_failed(futures[[i]])) {
      value(futures[[i]], stdout = stdout)
    }
  }
  value(futures[[failed]], stdout = stdout)
  # An error future always raises; a dropped one does so here.
  stop(outcome_error(.subset2(futures[[failed]], "outcome")))
}
