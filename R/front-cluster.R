# A cluster for the parallel package whose nodes are workers of ours. A node is
# a pool of one worker, so what is left in its workspace is there for the next
# call; a message to it is a task, and so is the answer.

#' Create a cluster for the parallel package
#'
#' The nodes are background R processes of elsewhere, on this machine.
#' [parallel::parLapply()], [parallel::clusterApplyLB()],
#' [parallel::clusterExport()], [parallel::clusterSetRNGStream()] and the other
#' functions of that package accept this cluster.
#'
#' @details
#' Nodes end at [parallel::stopCluster()], when the cluster object is garbage
#' collected, and with this R process. An interrupted call leaves nothing
#' behind: its work in the nodes is interrupted, too, and its answers are
#' dropped.
#'
#' @param workers One number, 1 or more, or a function that returns one.
#'   Default: all cores, [parallelly::availableCores()].
#' @param rscript_libs Character vector of library folders for the nodes.
#'   Default: those of this process. `NULL` leaves R's default.
#' @param setup Code that each node runs when it starts: a function without
#'   arguments, or code made by [quote()], which is evaluated in the node's
#'   workspace. Globals and packages are found and sent, as for [future()].
#'   Default: nothing.
#' @return A list of nodes, of class `elsewhere_cluster` and `cluster`.
#' @section Errors:
#' * `elsewhere_bad_argument`: an argument is invalid.
#' * `elsewhere_cannot_travel`: `setup` needs something that cannot be sent.
#' * `elsewhere_worker_died`, raised by the functions of the parallel package: a
#'   node ended. It is not replaced, because its state is lost.
#' @examples
#' \donttest{
#' cl <- make_cluster(2)
#' unlist(parallel::parLapply(cl, 1:4, function(i) i^2))
#' parallel::stopCluster(cl)
#' }
#' @export
make_cluster <- function(workers = availableCores(), rscript_libs = .libPaths(),
                         setup = NULL) {
  count <- check_workers(workers)
  libraries <- check_libraries(rscript_libs)
  steps <- setup_steps(setup)
  # Shared by the nodes, also of a part of the cluster.
  shared <- new.env(parent = emptyenv())
  shared$was_interrupted <- FALSE
  nodes <- lapply(seq_len(count), function(rank) {
    new_node(rank, libraries, steps, shared)
  })
  shared$nodes <- nodes
  structure(nodes, class = c("elsewhere_cluster", "cluster"))
}

new_node <- function(rank, libraries, steps, shared) {
  state <- new.env(parent = emptyenv())
  state$pool <- pool_start(1L, list(
    functions = shipped$cluster, library_paths = libraries, steps = steps,
    working_directory = getwd()
  ))
  state$tasks <- list()  # sent and not received, in order
  state$tags <- list()   # theirs, which the answers bring back
  state$ended <- NULL    # why it takes no more messages
  structure(
    list(rank = rank, host = "localhost", state = state, shared = shared),
    class = "elsewhere_node"
  )
}

#' @exportS3Method parallel::sendData
sendData.elsewhere_node <- function(node, data) {
  if (node$shared$was_interrupted) drop_answers(node$shared)
  if (identical(data$type, "DONE")) return(invisible())
  state <- node$state
  if (!is.null(state$ended)) abort_node_ended(node)
  task <- task_submit(state$pool, data$data, refuse = FALSE)
  state$tasks <- c(state$tasks, list(task))
  state$tags <- c(state$tags, list(data$data$tag))
  invisible()
}

#' @exportS3Method parallel::recvData
recvData.elsewhere_node <- function(node) {
  state <- node$state
  if (!length(state$tasks)) {
    abort(
      sprintf("Node %d has no pending request.", node$rank),
      "elsewhere_cluster_idle"
    )
  }
  wait_for_answer(node$shared, state$tasks[1L])
  take_answer(node)
}

#' @exportS3Method parallel::recvOneData
recvOneData.elsewhere_cluster <- function(cl) {
  busy <- which(vapply(cl, function(node) length(node$state$tasks) > 0L, NA))
  if (!length(busy)) {
    abort(
      "No node of the cluster has a pending request.",
      "elsewhere_cluster_idle"
    )
  }
  first <- lapply(unclass(cl)[busy], function(node) node$state$tasks[[1L]])
  wait_for_answer(cl[[1L]]$shared, first)
  i <- busy[[which(vapply(first, task_settled, NA))[[1L]]]]
  list(node = i, value = take_answer(cl[[i]]))
}

#' @exportS3Method parallel::closeNode
closeNode.elsewhere_node <- function(node) {
  state <- node$state
  if (is.null(state$pool)) return(invisible())
  pool_stop(state$pool)
  state$pool <- NULL
  state$tasks <- list()
  state$ended <- "the cluster was stopped"
  invisible()
}

# Who does not wait to the end will not ask for the answers.
wait_for_answer <- function(shared, tasks) {
  shared$was_interrupted <- TRUE
  tasks_wait(tasks, enough = 1)
  shared$was_interrupted <- FALSE
}

drop_answers <- function(shared) {
  for (node in shared$nodes) {
    # A node that does not stop is waited for: it holds what it was given.
    for (task in node$state$tasks) task_cancel(task, Inf)
    node$state$tasks <- list()
    node$state$tags <- list()
  }
  shared$was_interrupted <- FALSE
}

take_answer <- function(node) {
  state <- node$state
  outcome <- task_outcome(state$tasks[[1L]])
  tag <- state$tags[[1L]]
  state$tasks <- state$tasks[-1L]
  state$tags <- state$tags[-1L]
  if (outcome$kind == "value") return(outcome$value)
  if (outcome$kind %in% c("lost", "start", "cancelled")) {
    state$ended <- outcome$message
    abort_node_ended(node, outcome)
  }
  # What stays: it jumped to top level, or its value cannot be sent.
  text <- paste("the call", told_failure(outcome)$text)
  list(
    type = "VALUE", success = FALSE, time = proc.time() * 0, tag = tag,
    value = structure(text, class = c("snow-try-error", "try-error"))
  )
}

abort_node_ended <- function(node, outcome = NULL) {
  abort(
    sprintf(
      paste0(
        "Node %d of the cluster has ended: %s. Create a new cluster with ",
        "make_cluster()."
      ),
      node$rank, sub("[.]$", "", node$state$ended)
    ),
    "elsewhere_worker_died",
    pid = outcome$pid, exit_status = outcome$status, signal = outcome$signal,
    output = outcome$output
  )
}

#' @export
print.elsewhere_cluster <- function(x, ...) {
  cat(sprintf(
    ngettext(
      length(x), "elsewhere cluster with %d node on this machine\n",
      "elsewhere cluster with %d nodes on this machine\n"
    ),
    length(x)
  ))
  invisible(x)
}

#' @export
print.elsewhere_node <- function(x, ...) {
  state <- x$state
  what <- if (!is.null(state$ended)) {
    state$ended
  } else if (length(state$tasks)) {
    "busy"
  } else {
    "idle"
  }
  cat(sprintf("node %d of an elsewhere cluster, %s\n", x$rank, what))
  invisible(x)
}
