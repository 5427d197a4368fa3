# Fails a test that leaves something behind: a process, a descriptor, a thread
# or a shared memory segment. Call it first in the test, so that what the test
# defers runs before the check:
#
#   test_that("a closed session leaves nothing behind", {
#     local_leak_check()
#     ...
#   })
#
# What is still on its way out has `seconds` to go. `allow` is a regular
# expression for the lines of the report that are meant to stay, such as a
# thread that serves the whole process once it was started.
local_leak_check <- function(seconds = 60, allow = NULL,
                             env = parent.frame()) {
  testthat::skip_if_not(dir.exists("/proc/self/fd"))
  before <- leak_snapshot()
  withr::defer(
    {
      left <- leaks_since(before, seconds, allow)
      # expect() looks for its frame in the call tree, which is gone here.
      testthat::exp_signal(testthat::new_expectation(
        if (length(left) == 0L) "success" else "failure",
        paste(c("The test left behind:", left), collapse = "\n* ")
      ))
    },
    envir = env
  )
}

# What there is now, each thing as a line that a reader understands.
leak_snapshot <- function() {
  mark_children()
  # So does the process that forks sessions, until it has been idle for long.
  start_nursery()
  # The thread and the pipe of later's timers start with the first use and
  # stay: they are nobody's leak.
  later::later(function() NULL)
  later::run_now()
  leak_lines()
}

start_nursery <- function() r_session$new()$close()

# Polls until nothing is new, or `seconds` have passed; returns what is left.
leaks_since <- function(before, seconds = 60, allow = NULL) {
  deadline <- Sys.time() + seconds
  repeat {
    gc(FALSE)
    later::run_now()
    left <- setdiff(leak_lines(), before)
    if (!is.null(allow)) left <- grep(allow, left, value = TRUE, invert = TRUE)
    if (length(left) == 0L || Sys.time() > deadline) return(left)
    Sys.sleep(0.02)
  }
}

leak_lines <- function() {
  c(open_descriptors(), running_threads(), child_processes(), shared_memory())
}

open_descriptors <- function() {
  numbers <- list.files("/proc/self/fd")
  targets <- Sys.readlink(file.path("/proc/self/fd", numbers))
  # The descriptor that listed the folder is closed by now.
  is_open <- !is.na(targets) & nzchar(targets)
  sprintf("descriptor %s: %s", numbers[is_open], targets[is_open])
}

running_threads <- function() {
  ids <- list.files("/proc/self/task")
  sprintf("thread %s: %s", ids, proc_text(file.path("task", ids, "comm")))
}

# Shared memory has a name in /dev/shm, or is a mapping without one (memfd).
shared_memory <- function() {
  maps <- readLines("/proc/self/maps", warn = FALSE)
  c(
    sprintf("file /dev/shm/%s", list.files("/dev/shm")),
    sprintf("mapping %s", grep("memfd:|/dev/shm/", maps, value = TRUE))
  )
}

# A worker started by a nursery, or left by a dead one, is not our child; the
# mark in its environment still tells that it came from here.
child_mark <- function() paste0("ELSEWHERE_TEST_MARK=", Sys.getpid())

mark_children <- function() {
  Sys.setenv(ELSEWHERE_TEST_MARK = as.character(Sys.getpid()))
}

child_processes <- function() {
  pids <- own_processes()
  commands <- proc_text(file.path("..", pids, "cmdline"))
  # What started no program of its own (a zombie) has no command line.
  sprintf("process %s: %s", pids, commands)
}

# The pids, as text, of what this process has started and what that has started.
own_processes <- function() {
  pids <- setdiff(
    list.files("/proc", pattern = "^[0-9]+$"), as.character(Sys.getpid())
  )
  parents <- vapply(pids, parent_of, "")
  is_ours <- reaches(pids, parents, as.character(Sys.getpid())) |
    vapply(pids, is_marked, NA)
  pids[is_ours]
}

# For each pid: does the chain of its parents lead to `ancestor`?
reaches <- function(pids, parents, ancestor) {
  # One that has ended meanwhile has no parent.
  parents[is.na(parents)] <- ""
  is_there <- parents == ancestor
  repeat {
    grown <- is_there | parents %in% pids[is_there]
    if (identical(grown, is_there)) return(unname(is_there))
    is_there <- grown
  }
}

parent_of <- function(pid) {
  stat <- proc_text(file.path("..", pid, "stat"))
  # The name in brackets may hold anything, so what counts comes after it.
  strsplit(sub("^.*\\) ", "", stat), " ")[[1L]][2L]
}

is_marked <- function(pid) {
  environ <- proc_text(file.path("..", pid, "environ"))
  child_mark() %in% strsplit(environ, " ", fixed = TRUE)[[1L]]
}

# The text of files under /proc/self, with the zero bytes that end arguments
# as spaces; empty for what is gone in the meantime.
proc_text <- function(paths) {
  vapply(file.path("/proc/self", paths), USE.NAMES = FALSE, function(path) {
    bytes <- tryCatch(
      suppressWarnings(readBin(path, "raw", 65536L)),
      error = function(e) raw()
    )
    bytes[bytes == as.raw(0L)] <- charToRaw(" ")
    trimws(rawToChar(bytes))
  }, "")
}
