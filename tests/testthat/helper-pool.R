# A pool whose workers evaluate the expression they are given. Everything of it
# is gone when the test ends, the process that forks workers included.
local_pool <- function(workers = 1L, ..., env = parent.frame()) {
  setup <- list(functions = worker_functions(
    evaluate = function(payload) eval(payload, globalenv())
  ))
  pool <- pool_start(workers, setup, ...)
  withr::defer(.Call(ew_engine_stop), envir = env)
  pool
}

# What the task returned; anything else than a value is an error.
task_value <- function(task, timeout = 60) {
  if (!tasks_wait(list(task), timeout)) stop("the task has not settled in time")
  outcome <- task_outcome(task)
  if (outcome$kind != "value") stop(outcome$kind, ": ", outcome$message)
  outcome$value
}

# Polls until `condition()` holds; for what has no event to wait for. The
# deadline is a guard against waiting for ever: a slow machine never comes near
# it.
wait_until <- function(condition, seconds = 60) {
  deadline <- Sys.time() + seconds
  while (!condition()) {
    if (Sys.time() > deadline) return(FALSE)
    Sys.sleep(0.005)
  }
  TRUE
}

is_process <- function(pid) {
  stat <- tryCatch(
    suppressWarnings(readLines(file.path("/proc", pid, "stat"), warn = FALSE)),
    error = function(e) character()
  )
  length(stat) > 0L && !grepl("^[0-9]+ \\(.*\\) Z", stat)
}

# The processes that `pid` has started, those that are still there.
children_of <- function(pid) {
  pids <- list.files("/proc", pattern = "^[0-9]+$")
  parents <- vapply(pids, parent_of, "")
  pids <- as.integer(pids[!is.na(parents) & parents == as.character(pid)])
  Filter(is_process, pids)
}

# An R process of its own that has elsewhere attached and runs `code`, for what
# must not happen to the process that runs the tests. `limit` is shell code that
# runs before it.
local_r_process <- function(code, env = parent.frame(), limit = ":",
                            env_variables = NULL) {
  script <- withr::local_tempfile(.local_envir = env, fileext = ".R")
  writeLines(code, script)
  rscript <- shQuote(file.path(R.home("bin"), "Rscript"))
  process <- processx::process$new(
    "sh",
    c(
      "-c", sprintf("%s; exec %s --vanilla %s", limit, rscript, shQuote(script))
    ),
    env = c(
      "current", R_LIBS = paste(.libPaths(), collapse = ":"), env_variables
    ),
    stdout = "|", stderr = "2>&1"
  )
  withr::defer(process$kill(), envir = env)
  process
}

# The first line that matches `pattern`, or an error with what came instead.
# What came after it is for the next call.
read_line <- function(process, pattern, seconds = 60) {
  deadline <- Sys.time() + seconds
  key <- as.character(process$get_pid())
  lines <- unread_lines[[key]]
  seen <- character()
  repeat {
    found <- grep(pattern, lines)
    if (length(found)) {
      unread_lines[[key]] <- lines[-seq_len(found[[1L]])]
      return(lines[[found[[1L]]]])
    }
    seen <- c(seen, lines)
    if (Sys.time() > deadline || !process$is_incomplete_output()) {
      stop("no line matches ", pattern, ":\n", paste(seen, collapse = "\n"))
    }
    process$poll_io(200)
    lines <- process$read_output_lines()
  }
}

unread_lines <- new.env(parent = emptyenv())

# The lines of an expression, with .(x) replaced by values from here.
bquote_lines <- function(expr, env = parent.frame()) {
  deparse(eval(substitute(bquote(x), list(x = substitute(expr))), env))
}

# The tests of a portable build run with the variable that made it so.
is_portable <- function() identical(Sys.getenv("ELSEWHERE_OS"), "portable")

skip_without_forked_sessions <- function() {
  testthat::skip_if(
    is_portable(),
    "a portable build cannot count threads, so its nurseries do not fork"
  )
}

skip_without_memory <- function() {
  testthat::skip_if(
    is_portable(), "a portable build does not know how much a process uses"
  )
}
