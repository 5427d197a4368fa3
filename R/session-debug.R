# Looking into a session: the calls and the frames of its last error, and its
# top level.

session_traceback <- function(self, private) {
  calls <- session_ask(self, private, "traceback")
  if (is.null(calls)) {
    abort(
      "No traceback was recorded in the subprocess (yet?)",
      "elsewhere_no_traceback", home = c("rlib_error_3_0", "rlib_error")
    )
  }
  calls <- lapply(calls, deparse, nlines = 10L)
  for (i in seq_along(calls)) {
    label <- paste0(length(calls) - i + 1L, ": ")
    indent <- strrep(" ", nchar(label))
    margins <- c(label, rep(indent, length(calls[[i]]) - 1L))
    writeLines(paste0(margins, calls[[i]]))
  }
  invisible(calls)
}

# Runs an operation of R/worker-session.R in the session, at once.
session_ask <- function(self, private, operation, args = list()) {
  if (private$state != "idle") abort_session_state(private$state)
  session_send(private, list(NULL, args, FALSE, operation))
  event <- session_event(self, private, session_await(self, private, Inf))
  if (!is.null(event$error)) throw_session_error(event$error)
  event$result
}

session_debug <- function(self, private) {
  frames <- session_ask(self, private, "frames")
  if (is.null(frames)) {
    abort(
      "Can't find dumped frames, nothing to debug",
      "elsewhere_no_traceback", home = "rlib_error"
    )
  }
  cat(
    "Debugging in process ", self$get_pid(),
    ", press CTRL+C (or ESC) or type .q to quit. Commands:\n",
    sep = ""
  )
  debug_help()
  session_debug_frames(frames)
  frame <- 0L
  repeat {
    line <- prompt_line(debug_prompt(self$get_pid(), frame))
    if (is.null(line) || line == ".q") break
    if (line == "") next
    if (line == ".help") {
      debug_help()
    } else if (line == ".where") {
      session_debug_frames(frames)
    } else if (grepl("^\\.inspect\\b", line)) {
      frame <- chosen_frame(line, frames, frame)
    } else {
      code <- whole_expression(line)
      if (is.null(code)) break
      writeLines(session_ask(self, private, "inspect", list(frame, code)))
    }
  }
  invisible()
}

debug_prompt <- function(pid, frame) {
  place <- if (is.na(frame)) "(frame f) " else if (frame > 0L) {
    sprintf("(frame %d) ", frame)
  }
  paste0("RS ", pid, " ", place, "> ")
}

# With the lines that end what the first one begins; NULL at the end of the
# input.
whole_expression <- function(line) {
  while (is_half_expression(line)) {
    more <- prompt_line("+ ")
    if (is.null(more)) return(NULL)
    line <- paste0(line, "\n", more)
  }
  line
}

is_half_expression <- function(code) {
  message <- tryCatch(
    {
      parse(text = code, keep.source = FALSE)
      ""
    },
    error = conditionMessage
  )
  # In the language of this process, as parse() says it.
  signs <- gettext(
    c("unexpected end of input", "unexpected INCOMPLETE_STRING"), domain = "R"
  )
  any(vapply(signs, grepl, NA, message, fixed = TRUE))
}

debug_help <- function() {
  cat(
    "  .where       -- print the frames\n",
    "  .inspect <n> -- go into frame <n>; 0 is .GlobalEnv, f is that of the\n",
    "                  function that was run\n",
    "  .help        -- print this help\n",
    "  .q           -- leave\n",
    "  <R code>     -- run it in the frame\n",
    sep = ""
  )
}

# Numbered as $traceback() numbers the calls, without the function that was run,
# which comes first in `frames`.
session_debug_frames <- function(frames) {
  first_lines <- vapply(strsplit(frames, "\n", fixed = TRUE), `[[`, "", 1L)
  labels <- c("f", seq_along(frames)[-length(frames)])
  writeLines(rev(paste0(labels, ": ", first_lines)))
}

# NA for the function that was run.
chosen_frame <- function(line, frames, frame) {
  word <- trimws(sub("^\\.inspect", "", line))
  if (word == "f") return(NA_integer_)
  number <- suppressWarnings(as.integer(word))
  last <- length(frames) - 1L
  if (is.na(number) || number < 0L || number > last) {
    cat("There are frames 0 to ", last, ", and f.\n", sep = "")
    return(frame)
  }
  number
}

# One line from the user; NULL at the end of the input. Where nobody can type,
# lines are taken from standard input, so that a script can end the prompt.
prompt_line <- function(prompt) {
  if (interactive()) return(readline(prompt))
  cat(prompt)
  # A connection reads ahead, so all lines must come through one.
  if (is.null(script_input$connection)) {
    script_input$connection <- file("stdin", "r")
  }
  line <- readLines(script_input$connection, n = 1L, warn = FALSE)
  if (length(line) > 0L) return(line)
  close(script_input$connection)
  script_input$connection <- NULL
  NULL
}

script_input <- new.env(parent = emptyenv())

session_attach <- function(self, private) {
  if (private$state != "idle") abort_session_state(private$state)
  cat(
    "Attached to process ", self$get_pid(),
    ", press CTRL+C (or ESC) or type .q to quit.\n",
    sep = ""
  )
  show_output(self)
  prompt <- sprintf("RS %d > ", self$get_pid())
  is_inside <- FALSE
  repeat {
    line <- if (is_inside) continuation_line() else prompt_line(prompt)
    if (is.null(line) || line %in% ".q") break
    if (is.na(line)) {
      drop_expression(self, private)
      is_inside <- FALSE
    } else if (is_cut_line(line)) {
      cat(
        "Not run: a line must be shorter than ", line_bytes_max,
        " bytes. Split it into several lines.\n",
        sep = ""
      )
    } else {
      is_inside <- attach_line(self, private, line)
      if (private$state == "finished") return(invisible())
    }
  }
  if (is_inside) drop_expression(self, private)
  invisible()
}

# A line of an expression that has begun; NA for Ctrl-C, which takes the
# expression back, as in any R.
continuation_line <- function() {
  tryCatch(prompt_line("+ "), interrupt = function(e) {
    cat("\n")
    NA_character_
  })
}

# A session drops half an expression when it is asked for something else.
drop_expression <- function(self, private) {
  session_ask(self, private, "nothing")
}

# What readline() has room for. It cuts what is longer, and the line that is
# typed next is lost with the rest of it, all without a word.
line_bytes_max <- 4094L

is_cut_line <- function(line) {
  interactive() && nchar(line, "bytes") >= line_bytes_max
}

# Sends one line to the session's top level and shows what it prints, until it
# has run. TRUE if it leaves an expression unfinished. Ctrl-C is for the line
# that runs, so it can come in nowhere but while waiting.
attach_line <- function(self, private, line) {
  suspendInterrupts({
    self$write_input(paste0(line, "\n"))
    .Call(ew_session_sync, private$link)
    repeat {
      is_interrupted <- tryCatch(
        {
          allowInterrupts(self$poll_io(-1L))
          FALSE
        },
        interrupt = function(e) TRUE
      )
      if (is_interrupted) self$interrupt()
      news <- .Call(ew_session_take, private$link)
      # What was printed before the news came is here by now.
      show_output(self)
      if (is.null(news)) next
      if (news[[1L]] != "event") {
        session_event(self, private, news)
        return(news[[1L]] == "incomplete")
      }
      relay_message(news[[2L]])
    }
  })
}

show_output <- function(self) {
  if (self$has_output_connection()) {
    while (nzchar(text <- self$read_output())) cat(text)
  }
  if (self$has_error_connection()) {
    while (nzchar(text <- self$read_error())) cat(cli::style_bold(text))
  }
}
