# What a node of the parallel package runs of futures: base R and the entries of
# this package, which is loaded there. R/backend-nodes.R is its owner.

node_boot <- function(library, version, functions, setup) {
  if (!("elsewhere" %in% loadedNamespaces())) {
    libraries <- c(library[dir.exists(library)], .libPaths())
    loadNamespace("elsewhere", lib.loc = libraries)
  }
  found <- as.character(getNamespaceVersion("elsewhere"))
  if (found != version) {
    stop(
      "A node has elsewhere ", found, ", but this process has ", version, ". ",
      "Install the same version for both."
    )
  }
  package <- asNamespace("elsewhere")
  package$take_node_interrupts()
  home <- new.env(parent = baseenv())
  for (name in names(functions)) {
    home[[name]] <- package$closure_in(functions[[name]], home)
  }
  for (entry in ls(package, pattern = "^ew_")) home[[entry]] <- package[[entry]]
  for (i in seq_len(sys.nframe())) {
    master <- get0("master", envir = sys.frame(i), inherits = FALSE)
    if (is.list(master) && inherits(master$con, "connection")) {
      home$connection <- master$con
    }
  }
  if (is.null(home$connection)) stop("the node did not find its connection.")
  # The answer in two pieces would otherwise take 40 ms more.
  port <- as.integer(sub("^.*:", "", summary(home$connection)$description))
  if (!is.na(port)) package$send_soon(port)
  place <- if ("tools:elsewhere" %in% search()) {
    as.environment("tools:elsewhere")
  } else {
    attach(NULL, pos = length(search()), name = "tools:elsewhere")
  }
  assign(".elsewhere", home, envir = place)
  assign(".elsewhere_node_task", home$task, envir = place)
  assign(".elsewhere_node_sync", home$sync, envir = place)
  if (!setup$keep) {
    rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())
  }
  package$limit_threads(setup$threads)
  home$prepare(setup)
  time <- proc.time() - proc.time()
  answer <- list(
    type = "VALUE", value = NULL, success = TRUE, time = time, tag = NULL
  )
  list(
    pid = Sys.getpid(), place = home$place(),
    tail = length(serialize(answer, NULL))
  )
}

# The answer to the call is always the same: what there is to say has been sent.
node_task <- function(payload, number) {
  home <- environment(sys.function())
  suspendInterrupts({
    home$number <- number
    # From now on an interrupt finds its task.
    send("started", raw())
    kind <- "result"
    body <- tryCatch(
      {
        value <- evaluate(unserialize(payload))
        .Call(ew_result_bytes, value, home$refuses_references)
      },
      error = function(e) {
        kind <<- "failed"
        charToRaw(enc2utf8(conditionMessage(e)))
      }
    )
    send(kind, body)
  })
  NULL
}

node_sync <- function(digits) {
  number <- as.double(strtoi(digits, 16L))
  writeBin(.Call(ew_node_header, "synced", number, 0), connection)
  NULL
}

node_send <- function(kind, body) {
  header <- .Call(ew_node_header, kind, number, as.double(length(body)))
  if (length(body) < 1e6) return(writeBin(c(header, body), connection))
  writeBin(header, connection)
  # Not more than R writes at a time.
  step <- 2^28
  from <- 0
  while (from < length(body)) {
    to <- min(from + step, length(body))
    writeBin(body[seq(from + 1, to)], connection)
    from <- to
  }
}

node_emit <- function(condition) {
  send("event", .Call(ew_to_bytes, condition, FALSE))
}

# Processes with the same are reached by the same numbers.
node_place <- function() {
  c(
    Sys.info()[["nodename"]], Sys.readlink("/proc/self/ns/pid"),
    tryCatch(
      readLines("/proc/sys/kernel/random/boot_id", 1L, warn = FALSE),
      error = function(e) "", warning = function(e) ""
    )
  )
}

# What those functions find there.
utils::globalVariables(c("connection", "number", "send"))

# What a node calls of this package before it has them.
take_node_interrupts <- function() .Call(ew_node_take_interrupts)
send_soon <- function(port) .Call(ew_sockets_no_delay, port)

node_functions <- function() {
  worker_functions(
    boot = node_boot, task = node_task, sync = node_sync, send = node_send,
    emit = node_emit, place = node_place, capture_begin = capture_begin,
    capture_end = capture_end
  )
}
