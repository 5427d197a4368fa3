# A session that is closed when the test ends. With local_leak_check() before
# it, the test fails if anything of the session is left.
local_session <- function(..., wait = TRUE, frame = parent.frame()) {
  session <- r_session$new(r_session_options(...), wait = wait)
  withr::defer(session$close(), envir = frame)
  session
}

# The next event, or an error if there is none in time.
next_event <- function(session, seconds = 60) {
  deadline <- Sys.time() + seconds
  while (Sys.time() < deadline) {
    session$poll_process(as.integer(seconds * 1000))
    event <- session$read()
    if (!is.null(event)) return(event)
  }
  stop("no event came in ", seconds, " seconds")
}

# Waits until the call that runs in `session` has printed `text`.
wait_for_output <- function(session, text) {
  wait_until(function() grepl(text, session$peek_output()$stdout, fixed = TRUE))
}

progress_condition <- function(...) {
  structure(list(...), class = c("callr_message", "condition"))
}

# The pids of the processes that fork sessions.
nurseries <- function() .Call(ew_session_nurseries)
