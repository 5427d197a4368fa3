# plan(cluster, workers = cl) with a cluster of the parallel package: futures
# are evaluated by the very processes of its nodes. A task is an ordinary call
# of that package's protocol over the node's own connection; what it answers
# with comes in packets of ours before the protocol's answer
# (src/engine/tasks/node_task.h).
# docs/decisions/0033 says why.

# Whether all nodes answer over a socket of R's, as those of makeCluster(),
# makeForkCluster() and makeClusterPSOCK() do.
has_socket_nodes <- function(cluster) {
  length(cluster) > 0L && all(vapply(cluster, function(node) {
    is.list(node) && inherits(node$con, "sockconn")
  }, NA))
}

nodes_options <- c(
  "workers", "queue", "persistent", "setup", "rscript_startup", "rscript_envs",
  "threads"
)

kind_nodes <- list(
  title = "nodes of a cluster of the parallel package",
  options = list(
    "nodes of a cluster of the parallel package (cluster)" = nodes_options
  ),
  fits = function(settings) !is.null(settings$nodes),
  record = function(backend) {
    list(
      options_known = nodes_options,
      open = function() nodes_open(backend),
      close = function() nodes_close(backend),
      # Nothing keeps a future waiting for a node: with a queue it stays lazy
      # until one is idle.
      may_launch = function(wait) {
        wait && .subset2(backend, "queue") == 0 || nodes_free(backend) > 0L
      },
      launch = function(future, payload, options, wait) {
        launch_on_node(future, backend, payload, options)
      },
      payload = function() worker_payload(backend),
      free = function(background) nodes_free(backend),
      may_retry = function() any(node_states(backend) != "lost"),
      do = function(expr, envir, packages) {
        nodes_do(backend, setup_step(expr, envir, packages))
      },
      status = function() nodes_status(backend)
    )
  }
)

# Nodes that have ended are left out, with a warning; an error if none is left.
nodes_open <- function(backend) {
  note_options(backend)
  call <- node_call(shipped$node$boot, list(
    dirname(find.package("elsewhere")),
    as.character(getNamespaceVersion("elsewhere")),
    c(shipped$evaluator, shipped$node), node_setup(backend)
  ))
  nodes <- unclass(backend$nodes)
  # All are asked first: they take their time to load what they need.
  asked <- lapply(nodes, ask_node, call)
  backend$members <- backend$links <- list()
  backend$pids <- integer()
  failures <- character()
  for (i in seq_along(nodes)) {
    linked <- tryCatch(
      {
        told <- node_answer(nodes[[i]], asked[[i]])
        list(link = link_node(nodes[[i]], i, told), pid = told$pid)
      },
      error = function(e) conditionMessage(e)
    )
    if (is.character(linked)) {
      failures <- c(failures, sprintf("node %d: %s", i, linked))
      next
    }
    backend$members <- c(backend$members, list(nodes[[i]]))
    backend$links <- c(backend$links, list(linked$link))
    backend$pids <- c(backend$pids, linked$pid)
  }
  backend$running <- list()
  if (!length(failures)) return()
  text <- paste(
    "The cluster that `plan(cluster)` was given cannot be used",
    paste0(if (length(backend$links)) "as a whole", ": "),
    paste(failures, collapse = "; ")
  )
  if (!length(backend$links)) stop(FutureLaunchError(text))
  warning(text, call. = FALSE)
}

# NULL, or the error.
ask_node <- function(node, call) {
  tryCatch(
    {
      if (!has_valid_connection(node)) stop("it has been stopped")
      serialize(call, node$con, xdr = FALSE)
      NULL
    },
    error = identity
  )
}

node_answer <- function(node, failed) {
  if (!is.null(failed)) stop(failed)
  answer <- unserialize(node$con)
  if (!isTRUE(answer$success)) stop(answer$value)
  answer$value
}

# Processes of others keep their libraries, working directory and options.
node_setup <- function(backend) {
  options <- backend$options
  own <- startsWith(names(options), "future.") | names(options) == "width"
  list(
    options = options[own], nested = encode_stack(backend$nested),
    steps = c(variable_steps(backend$variables), backend$steps),
    keep = backend$keep, threads = backend$threads
  )
}

# A number of a connection is used again when it has been closed.
has_valid_connection <- function(node) {
  con <- node$con
  tryCatch(
    identical(
      attr(con, "conn_id"), attr(getConnection(as.integer(con)), "conn_id")
    ),
    error = function(e) FALSE
  )
}

node_call <- function(fun, args) {
  list(
    type = "EXEC",
    data = list(fun = fun, args = args, return = TRUE, tag = NULL)
  )
}

link_node <- function(node, rank, told) {
  is_here <- identical(told$place, node_place())
  .Call(
    ew_node_link, node_descriptor(node),
    sprintf(
      "node %d of the cluster (process %d on `%s`)", rank, told$pid,
      told$place[[1L]]
    ),
    told$pid, if (is_here) told$pid else -1L, told$tail,
    serialize(
      node_call(".elsewhere_node_sync", list("00000000")), NULL, xdr = FALSE
    )
  )
}

# R does not name the descriptor of a connection, and the nodes of a cluster
# share one port: it is the one that can be read once this node has answered.
node_descriptor <- function(node) {
  con <- node$con
  for (i in 1:5) {
    before <- quiet_sockets(con)
    serialize(node_call("is.null", list(NULL)), con, xdr = FALSE)
    socketSelect(list(con))
    after <- quiet_sockets(con)
    unserialize(con)
    found <- setdiff(before, after)
    # A plan that was left may still hold a copy of it.
    sockets <- unique(Sys.readlink(paste0("/proc/self/fd/", found)))
    if (length(sockets) == 1L) return(found[[1L]])
  }
  stop("its sockets are in use by other code.")
}

node_states <- function(backend) {
  vapply(backend$links, function(link) .Call(ew_node_state, link), "")
}

nodes_free <- function(backend) {
  if (!backend$is_open) return(as.integer(backend$workers))
  sum(node_states(backend) == "idle")
}

nodes_status <- function(backend) {
  states <- node_states(backend)
  is_up <- states != "lost"
  status_uncounted(
    busy = sum(states %in% c("busy", "draining")), pids = backend$pids[is_up],
    broken = if (!any(is_up)) no_node_text(backend)
  )
}

# Waits for a node that is idle, and says which.
nodes_wait <- function(backend) {
  repeat {
    for (i in which(node_states(backend) == "idle")) {
      if (has_valid_connection(backend$members[[i]])) return(i)
      .Call(ew_node_lose, backend$links[[i]], "has been stopped")
    }
    if (all(node_states(backend) == "lost")) abort_no_node(backend)
    .Call(ew_nodes_wait, backend$links, Inf)
  }
}

why_lost <- function(links) {
  vapply(links, function(link) .Call(ew_node_why_lost, link), "")
}

# Nodes that have ended since are taken out of the plan, with a warning that
# says which and of what; the others go on.
drop_lost_nodes <- function(backend) {
  is_lost <- node_states(backend) == "lost"
  if (!any(is_lost) || all(is_lost)) return()
  why <- why_lost(backend$links[is_lost])
  backend$lost <- c(backend$lost, why)
  backend$links <- backend$links[!is_lost]
  backend$members <- backend$members[!is_lost]
  backend$pids <- backend$pids[!is_lost]
  left <- length(backend$links)
  backend$workers <- left
  warning(warningCondition(
    sprintf(
      ngettext(
        left,
        paste(
          "%s. Futures continue in the %d remaining node. To replace it,",
          "create a new cluster and pass it to `plan(cluster, workers = )`."
        ),
        paste(
          "%s. Futures continue in the %d remaining nodes. To replace it,",
          "create a new cluster and pass it to `plan(cluster, workers = )`."
        )
      ),
      paste(why, collapse = "; "), left
    ),
    class = "elsewhere_node_lost", nodes_left = left
  ))
}

abort_no_node <- function(backend) {
  stop(FutureLaunchError(no_node_text(backend)))
}

no_node_text <- function(backend) {
  why <- c(backend$lost, why_lost(backend$links))
  paste0(
    "No node of the cluster is left: ", paste(why, collapse = "; "),
    ". Create a new cluster and pass it to `plan(cluster, workers = )`."
  )
}

launch_on_node <- function(future, backend, payload, options) {
  drop_lost_nodes(backend)
  payload$options <- c(payload$options, list(mc.cores = 1L))
  on_reference <- options$on_reference
  refuses <- is.null(on_reference) || on_reference == "error"
  if (!refuses) payload$allow_references <- TRUE
  if (identical(on_reference, "warning")) warn_references(future)
  bytes <- tryCatch(
    .Call(ew_to_bytes, payload, refuses),
    elsewhere_cannot_travel = function(e) {
      if (!is.null(on_reference)) refuse_references(future, is_refused = TRUE)
      refuse_used_references(future)
      .Call(ew_to_bytes, payload, FALSE)
    }
  )
  task <- NULL
  # One that ends while it is sent to has not begun; another may be had.
  while (is.null(task)) {
    task <- send_to_node(backend, nodes_wait(backend), bytes, future$timeout)
  }
  if (is.null(.subset2(future, "retries_left"))) {
    set_field(future, "retries_left", future$retries)
  }
  set_fields(future, list(
    task = task, state = "running", start = .Call(ew_now)
  ))
  still_running <- Filter(Negate(task_settled), backend$running)
  backend$running <- c(still_running, list(task))
}

# The task, or NULL if the node is gone.
send_to_node <- function(backend, i, bytes, timeout = Inf) {
  link <- backend$links[[i]]
  number <- .Call(ew_node_next, link)
  # What is sent by halves, because of Ctrl-C, say, is of no use to anybody.
  is_sent <- FALSE
  on.exit(if (!is_sent) {
    .Call(ew_node_lose, link, "was lost while a future was being sent to it")
  })
  is_sent <- tryCatch(
    {
      serialize(
        node_call(".elsewhere_node_task", list(bytes, number)),
        backend$members[[i]]$con, xdr = FALSE
      )
      TRUE
    },
    error = function(e) FALSE
  )
  if (is_sent) .Call(ew_node_begin, link, timeout)
}

# The nodes are somebody else's, who may go on with them: they are left idle.
nodes_close <- function(backend) {
  for (task in backend$running) task_cancel(task, 0)
  backend$running <- list()
  deadline <- as.double(Sys.time()) + 10
  repeat {
    states <- node_states(backend)
    is_busy <- states %in% c("busy", "draining")
    if (!any(is_busy)) break
    left <- deadline - as.double(Sys.time())
    if (left <= 0) {
      warning(
        "Nodes of the previous plan's cluster are still busy with a future ",
        "that does not react to an interrupt: ",
        toString(which(is_busy)), call. = FALSE
      )
      break
    }
    .Call(ew_nodes_wait, backend$links[is_busy], left)
  }
  backend$links <- list()
}

# everywhere(): one node after the other does the step, as soon as it is idle.
nodes_do <- function(backend, step) {
  bytes <- .Call(ew_to_bytes, list(step = step), TRUE)
  tasks <- list()
  for (i in seq_along(backend$links)) {
    link <- backend$links[i]
    .Call(ew_nodes_wait, link, Inf)
    if (.Call(ew_node_state, link[[1L]]) != "idle") next
    task <- send_to_node(backend, i, bytes)
    if (!is.null(task)) tasks <- c(tasks, list(task))
  }
  if (!length(tasks)) abort_no_node(backend)
  tasks_wait(tasks)
  failures <- errand_failures(tasks)
  if (nrow(failures)) {
    stop(FutureLaunchError(
      paste("`everywhere()` failed:", describe_failures(failures)),
      failures = failures
    ))
  }
}
