# Errors that come out of a session. Classes, fields and texts are callr's; what
# was wrong in the session is in `parent`, as it was.

new_session_error <- function(message, class = NULL, ..., status = 0,
                              stdout = NULL, stderr = NULL, call = NULL,
                              parent = NULL, parent_trace = NULL) {
  fields <- list(
    message = message, srcref = NULL, status = status,
    stdout = stdout, stderr = stderr, parent_trace = parent_trace,
    call = call, procsrcref = NULL, parent = parent, ...
  )
  kind <- if ("callr_timeout_error" %in% class) NULL else "callr_status_error"
  structure(fields, class = c(
    kind, class, "callr_error", "rlib_error_3_0", "rlib_error", "error",
    "condition"
  ))
}

error_from_failure <- function(failure, stdout, stderr) {
  is_interrupt <- failure$kind == "interrupt"
  message <- if (is_interrupt) {
    "callr subprocess interrupted"
  } else {
    "in callr subprocess."
  }
  error <- new_session_error(
    message,
    class = if (is_interrupt) "callr_timeout_error",
    stdout = stdout, stderr = stderr,
    parent = failure$condition, parent_trace = failure$trace
  )
  if (!is.null(failure$stack)) error$stack <- failure$stack
  error
}

# What was left in the pipes belongs to the error, too.
with_output <- function(error, event) {
  if (is.null(error$stdout)) error$stdout <- event$stdout
  if (is.null(error$stderr)) error$stderr <- event$stderr
  error
}

# Raises the error, and leaves it in `.Last.error` for the user to look at.
throw_session_error <- function(error, mode = "error") {
  if (is.null(error$trace)) error$trace <- calls_here()
  keep_last_error(error)
  starts_debugger <- mode == "debugger" && interactive()
  if (starts_debugger && !is.null(error$stack)) utils::debugger(error$stack)
  # An error that somebody catches is not shown, so the handlers come first.
  signalCondition(error)
  # As callr and related packages do.
  handler <- getOption("rlib_error_handler")
  if (is.function(handler)) return(handler(error))
  stop_shown(error)
}

# What stop() does where nobody catches, with all that is known of the error
# where nobody can ask `.Last.error` for it. R says the rest: it ends a script,
# and runs `options(error = )`.
stop_shown <- function(error) {
  if (!isFALSE(getOption("show.error.messages"))) {
    asks <- interactive()
    writeLines(format(error, trace = !asks, advice = asks), stderr())
  }
  former <- options(show.error.messages = FALSE)
  on.exit(options(former))
  # No error for handlers: they have had theirs.
  stop(structure(
    class = c("elsewhere_shown_error", "condition"),
    list(message = conditionMessage(error), call = conditionCall(error))
  ))
}

# The calls of this process, without those of this package's inner functions.
calls_here <- function() {
  calls <- sys.calls()
  functions <- lapply(seq_along(calls), sys.function)
  is_inner <- vapply(functions, function(one) {
    identical(environment(one), topenv())
  }, NA)
  calls <- calls[!is_inner]
  functions <- functions[!is_inner]
  namespaces <- vapply(functions, function(one) {
    home <- if (is.primitive(one)) baseenv() else topenv(environment(one))
    if (isNamespace(home)) environmentName(home) else NA_character_
  }, "")
  trace <- list(
    parent = seq_along(calls) - 1L, visible = rep(TRUE, length(calls)),
    namespace = namespaces,
    scope = ifelse(is.na(namespaces), "global", "::"),
    srcref = rep(list(NULL), length(calls)),
    procsrcref = rep(list(NULL), length(calls)),
    pid = rep(Sys.getpid(), length(calls)),
    call = lapply(calls, session_shorten_call_here)
  )
  attr(trace, "row.names") <- seq_along(calls)
  class(trace) <- c("rlib_trace_3_0", "rlib_trace", "tbl", "data.frame")
  trace
}

# The worker's function, at home in this process.
session_shorten_call_here <- function(call) {
  tools <- new.env(parent = baseenv())
  for (name in c("shorten_call", "shorten_value")) {
    one <- get(paste0("session_", name))
    environment(one) <- tools
    assign(name, one, tools)
  }
  tools$shorten_call(call)
}

# `.Last.error` is just before base on the search path, where callr and related
# packages keep it.
keep_last_error <- function(error) {
  if (!"org:r-lib" %in% search()) {
    do.call("attach", list(
      new.env(), pos = length(search()), name = "org:r-lib"
    ))
  }
  home <- as.environment("org:r-lib")
  home$.Last.error <- error
  home$.Last.error.trace <- error$trace
}

#' @export
conditionMessage.callr_error <- function(c) {
  paste(error_lines(c), collapse = "\n")
}

# "! text", and for each parent "Caused by error in `call`:" and its text.
error_lines <- function(error) {
  lines <- paste0("! ", error$message)
  parent <- error$parent
  while (!is.null(parent)) {
    call <- conditionCall(parent)
    lines <- c(
      lines,
      if (is.null(call)) {
        "Caused by error: "
      } else {
        paste0("Caused by error in `", call_line(call), "`:")
      },
      parent_text(parent)
    )
    # Such a message tells of its own parents.
    tells <- inherits(parent, c("rlib_error", "rlang_error"))
    parent <- if (!tells) parent$parent
  }
  c(lines, crash_lines(error))
}

# A condition need not have a message, nor a method that finds it here.
parent_text <- function(parent) {
  text <- tryCatch(conditionMessage(parent), error = function(e) parent$message)
  text <- paste(text, collapse = "\n")
  if (!nzchar(text) && inherits(parent, "interrupt")) text <- "interrupt"
  # An error of ours in the session has its mark already.
  if (startsWith(text, "! ")) text else paste0("! ", text)
}

# How a session has crashed, as far as that is not in its exit code.
crash_lines <- function(error) {
  if (!inherits(error, "elsewhere_worker_died")) return(NULL)
  c(
    if (!is.null(error$signal)) {
      paste0("i It was ended by ", describe_signal(error$signal), ".")
    },
    if (!is.null(error$running)) {
      paste0("i It was running `", running_line(error$running), "`.")
    }
  )
}

# The beginning of the function that ran, on one line.
running_line <- function(running) {
  if (!is.function(running)) return(call_line(running))
  lines <- trimws(deparse(running, control = deparse_kept, nlines = 5L))
  line <- sub("^function \\(", "function(", paste(lines, collapse = " "))
  if (nchar(line) > 70L) paste(strtrim(line, 66L), "...") else line
}

describe_signal <- function(signal) {
  known <- c(
    "2" = "SIGINT: an interrupt", "3" = "SIGQUIT",
    "4" = "SIGILL: a bad instruction",
    "6" = "SIGABRT: abort() in C code", "7" = "SIGBUS: a bad address",
    "8" = "SIGFPE: bad arithmetic in C code",
    "9" = "SIGKILL: it was killed, perhaps because memory ran out",
    "11" = "SIGSEGV: bad memory access in C code", "15" = "SIGTERM"
  )
  name <- known[as.character(signal)]
  paste0("signal ", signal, if (!is.na(name)) paste0(" (", name, ")"))
}

# The first line of a call, marked when there is more. Errors of callr's keep
# their call as lines of text.
call_line <- function(call) {
  lines <- if (is.character(call)) {
    call
  } else {
    deparse(call, control = deparse_kept, nlines = 2L)
  }
  if (length(lines) == 1L) return(lines)
  paste0(trimws(lines[[1L]], "right"), " ...")
}

deparse_kept <- c("keepNA", "keepInteger", "niceNames")

# As callr's: short, and with `trace` all there is to know.
#' @export
format.callr_status_error <- function(x, trace = FALSE, class = FALSE,
                                      advice = !trace, ...) {
  c(
    error_head(x, class),
    if (!is.null(x$stack)) {
      "i With remote `$stack`, use `utils::debugger()` to debug it."
    },
    output_lines(x),
    if (advice) "Type .Last.error to see the more details.",
    if (trace) c(trace_lines("Backtrace:", x$trace), remote_trace_lines(x))
  )
}

# Of one without a process. Where callr was loaded after this package, the
# method above is callr's own, which asks here for the beginning and adds the
# rest.
#' @export
format.callr_error <- function(x, trace = FALSE, class = FALSE,
                               advice = !trace, ...) {
  c(
    error_head(x, class),
    if (advice) "Type .Last.error to see the more details.",
    if (trace) trace_lines("Backtrace:", x$trace)
  )
}

error_head <- function(x, class) {
  where <- if (is.null(x$call)) {
    "Error: "
  } else {
    paste0("Error in `", call_line(x$call), "`: ")
  }
  c(
    if (class) {
      kinds <- setdiff(class(x), c("condition", "callr_status_error"))
      paste0("<", paste(kinds, collapse = "/"), ">")
    },
    where, error_lines(x)
  )
}

output_lines <- function(error) {
  streams <- c("Standard output" = "stdout", "Standard error" = "stderr")
  has_text <- vapply(streams, function(field) {
    is.character(error[[field]]) && any(nzchar(error[[field]]))
  }, NA)
  streams <- streams[has_text]
  if (length(streams) == 0L) return(NULL)
  if (interactive()) {
    what <- sub("^standard output and standard error$",
                "standard output and error",
                tolower(paste(names(streams), collapse = " and ")))
    fields <- paste0("`$", streams, "`", collapse = " and ")
    return(paste0("i See ", fields, " for ", what, "."))
  }
  unlist(lapply(names(streams), function(title) {
    c("---", paste0(title, ":"), trimws(error[[streams[[title]]]]))
  }))
}

# A session may have got the error from a session of its own.
remote_trace_lines <- function(error) {
  lines <- NULL
  while (!is.null(error$parent_trace)) {
    lines <- c(lines, trace_lines("Subprocess backtrace:", error$parent_trace))
    error <- error$parent
  }
  lines
}

trace_lines <- function(title, trace) {
  if (is.null(trace) || length(trace$call) == 0L) return(NULL)
  lines <- vapply(seq_along(trace$call), function(i) {
    where <- if (is.na(trace$namespace[[i]])) {
      if (i == 1L) "global " else ""
    } else {
      paste0(trace$namespace[[i]], "::")
    }
    call <- trace$call[[i]]
    # A call that says where its function is from says it once.
    if (is.call(call) && is.call(call[[1L]])) where <- ""
    strtrim(paste0(i, ". ", where, call_line(call)), getOption("width") * 2L)
  }, "")
  c("---", title, lines)
}

#' @export
print.callr_error <- function(x, trace = TRUE, class = TRUE,
                              advice = !trace, ...) {
  writeLines(format(x, trace = trace, class = class, advice = advice, ...))
  invisible(x)
}
