# Many futures at once: waits for whichever settles next, relays in order, and
# stops the rest when one has failed.

is_future <- function(x) inherits(x, "elsewhere_future")

# The list with futures replaced by their values.
# `ahead` is how many lazy futures are sent to the pool at a time; `on_settled(i)` is told of each future.
collect_all <- function(x, stdout = TRUE, signal = TRUE, inorder = TRUE,
                        drop = FALSE, ahead = 64L,
                        on_settled = function(i) NULL) {
  values <- x
  here <- which(vapply(x, inherits, NA, "Future"))
  if (!length(here)) return(values)
  futures <- unclass(x)[here]
  relayed <- 0L
  is_settled <- logical(length(futures))
  relay <- function(i) {
    got <- value(futures[[i]], stdout = stdout, signal = signal)
    # `[<-` keeps an element whose value is NULL.
    values[here[[i]]] <<- list(got)
  }
  while (!all(is_settled)) {
    new <- settle_some(futures, is_settled, ahead)
    is_settled[new] <- TRUE
    for (i in new) on_settled(i)
    if (signal) {
      failed <- Filter(function(i) has_failed(futures[[i]]), new)
      if (length(failed)) {
        stop_rest(futures, is_settled, failed[[1L]], relayed, stdout, inorder)
      }
    }
    if (inorder) {
      while (relayed < length(futures) && is_settled[[relayed + 1L]]) {
        relayed <- relayed + 1L
        relay(relayed)
      }
    } else {
      for (i in new) relay(i)
    }
  }
  if (drop) for (future in futures) drop_future(future)
  values
}

# Settles at least one that has not, and says which. Only the first of those
# that wait are started and watched: a pool works in order, so the next to settle
# is among them, and what is sent ahead stays small.
settle_some <- function(futures, is_settled, ahead = 64L) {
  waiting <- which(!is_settled)
  watched <- waiting[seq_len(min(length(waiting), ahead))]
  for (i in watched) start_queued(futures[[i]])
  new <- Filter(function(i) is_ready(futures[[i]]), watched)
  if (!length(new)) {
    tasks <- lapply(futures[watched], `[[.elsewhere_future`, "task")
    is_running <- !vapply(tasks, is.null, NA)
    if (!any(is_running)) {
      # All forks there may be are somebody else's: this waits for one to end.
      await_outcome(futures[[watched[[1L]]]])
      return(watched[[1L]])
    }
    woken <- tasks_wait(tasks[is_running], Inf, TRUE, TRUE)
    if (is.na(woken)) for (i in watched[is_running]) relay_events(futures[[i]])
    new <- Filter(function(i) is_ready(futures[[i]]), watched)
  }
  for (i in new) if (is_future(futures[[i]])) await_outcome(futures[[i]])
  new
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
stop_rest <- function(futures, is_settled, failed, relayed, stdout, inorder) {
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
