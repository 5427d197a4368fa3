# Many calls in one session, many sessions, many crashes; bench/soak.R runs more
# of each.

soak <- function(calls, sessions, crashes) {
  session <- r_session$new()
  for (i in seq_len(calls)) {
    value <- session$run(function(i) i + 1, list(i))
    if (!identical(value, i + 1)) stop("call ", i, " gave ", value)
  }
  session$close()
  # Some are closed, some killed, some forgotten; some are at work.
  for (i in seq_len(sessions)) {
    session <- r_session$new(wait = i %% 7L != 0L)
    if (i %% 3L == 0L && session$get_state() == "idle") {
      session$call(function() Sys.sleep(100))
    }
    switch(i %% 4L + 1L,
      session$close(grace = 0), session$kill(), session$close(grace = 50), NULL
    )
  }
  rm(session)
  ends <- list(
    function() tools::pskill(Sys.getpid(), 9L),
    function() tools::pskill(Sys.getpid(), 11L),
    function() quit(status = 3L), function() quit()
  )
  for (i in seq_len(crashes)) {
    session <- r_session$new()
    session$call(ends[[i %% length(ends) + 1L]])
    repeat {
      session$poll_process(10000)
      event <- session$read()
      if (!is.null(event)) break
    }
    if (!event$code %in% c(500L, 501L)) stop("a crash gave ", event$code)
    if (i %% 2L == 0L) session$close()
  }
  invisible()
}

soak_state <- function() {
  gc(FALSE)
  list(
    lines = c(leak_snapshot(), temporary_files()),
    megabytes = resident_megabytes()
  )
}

# list(lines, megabytes): what has come since, and how much memory.
soak_left <- function(before) {
  lines <- leaks_since(before$lines, 10)
  lines <- c(lines, setdiff(temporary_files(), before$lines))
  list(lines = lines, megabytes = resident_megabytes() - before$megabytes)
}

# A session's directory is made beside ours where TMPDIR says so: in a folder of
# our own nobody else comes and goes.
temporary_files <- function() {
  folders <- c(tempdir(), Sys.getenv("TMPDIR"))
  list.files(folders[nzchar(folders)], full.names = TRUE)
}

resident_megabytes <- function() {
  gc(FALSE)
  line <- grep("^VmRSS", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}
