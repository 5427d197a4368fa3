# An interactive R on a pseudo-terminal, which ends with the test. `line` is
# typed first.
new_terminal <- function(line, env = parent.frame()) {
  terminal <- processx::process$new(
    file.path(R.home("bin"), "R"), c("--no-save", "--quiet", "--no-restore"),
    pty = TRUE, pty_options = list(echo = FALSE, rows = 40L, cols = 200L),
    env = c(
      "current",
      R_LIBS = paste(.libPaths(), collapse = ":"), TERM = "dumb",
      R_PROFILE_USER = "/no/such/profile"
    )
  )
  withr::defer(terminal$kill(), envir = env)
  await_text(terminal, "> $")
  type_line(terminal, line)
  terminal
}

# What the terminal shows until `pattern` is at its end.
await_text <- function(terminal, pattern, seconds = 60) {
  deadline <- Sys.time() + seconds
  seen <- ""
  while (Sys.time() < deadline) {
    terminal$poll_io(100)
    seen <- gsub("\r", "", paste0(seen, terminal$read_output()))
    if (grepl(pattern, seen)) return(seen)
  }
  stop("`", pattern, "` was not shown, but this:\n", seen)
}

type_line <- function(terminal, line, pattern = "(^|\n)> $") {
  terminal$write_input(paste0(line, "\n"))
  await_text(terminal, pattern)
}

type_interrupt <- function(terminal, pattern) {
  terminal$write_input("\003")
  await_text(terminal, pattern)
}
