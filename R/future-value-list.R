# Many futures at once: waits for whichever settles next, relays in order, and
# stops the rest when one has failed.

# The list with futures replaced by their values. `ahead` is how many are
# watched at a time, and started if they are lazy; `on_settled(i)` is told of
# each.
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
      for (i in new[!attr(new, "quiet")]) {
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
  # A value and nothing else: its visibility, and when it was evaluated.
  if (length(outcome) == 3L && !is.null(outcome$times)) return(outcome$value)
  value(future, stdout = stdout, signal = signal)
}

# A function that settles at least one more of the futures and says which, until
# all are; attribute `quiet` says of each whether it has a value and nothing
# else. Those that wait are watched a few at a time: a pool works in order, so
# the next to settle is among them, and what is sent ahead stays small.
watch_futures <- function(futures, ahead) {
  reached <- 0L
  watched <- integer()  # started or to be started, not settled
  owner <- session_id()
  task_of <- function(i) {
    if (is_future(futures[[i]])) .subset2(futures[[i]], "task")
  }
  start_more <- function() {
    # Those for which no worker could be had yet come first.
    for (i in watched) start_queued(futures[[i]])
    more <- seq_len(min(ahead - length(watched), length(futures) - reached))
    for (i in reached + more) start_queued(futures[[i]])
    watched <<- c(watched, reached + more)
    reached <<- reached + length(more)
  }
  take_settled <- function() {
    how <- .Call(ew_futures_settled, futures, watched, owner)
    new <- watched[how > 0L]
    watched <<- watched[how <= 0L]
    for (i in new[how[how > 0L] == 2L]) {
      if (is_future(futures[[i]])) await_outcome(futures[[i]])
    }
    structure(new, quiet = how[how > 0L] == 1L)
  }
  function() {
    repeat {
      start_more()
      new <- take_settled()
      if (length(new)) return(new)
      tasks <- lapply(watched, task_of)
      tasks <- tasks[lengths(tasks) > 0L]
      if (!length(tasks)) {
        # Forks that others hold: this waits for one of them to end.
        await_outcome(futures[[watched[[1L]]]])
        next
      }
      # Each look costs as much as a trivial task, so those that follow at once
      # are waited for, for a moment.
      is_event <- is.na(tasks_wait(tasks, enough = 1, events = TRUE)) ||
        is.na(tasks_wait(tasks, 0.001, length(tasks) / 2, events = TRUE))
      if (is_event) {
        for (i in watched) {
          if (!is.null(task_of(i))) relay_events(futures[[i]])
        }
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
  if (!is_future(future) || .subset2(future, "state") != "created") return()
  if (!.Call(ew_future_launch, future, session_id(), short_way())) {
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
