# Building coroutines: what async(), gen(), stream() and run() share.

body_kind <- c(gen = 0L, async = 1L, stream = 2L, run = 3L)

is_function_expression <- function(expr) {
  is.call(expr) && identical(expr[[1L]], quote(`function`))
}

check_trace <- function(trace) {
  if (!is.null(trace)) check_function(trace, "trace")
  trace
}

compile_body <- function(expr, env, kind, split_pipes) {
  check_flag(split_pipes, "split_pipes")
  .Call(ew_eval_compile, expr, env, body_kind[[kind]], !split_pipes)
}

# Slots of a program (program.h).
program_needs_eval <- 4L
program_needs_frame <- 5L

# How a body is to be run.
coroutine_settings <- function(trace, debug) {
  check_flag(debug, "debugR")
  list(trace = check_trace(trace), debug = debug)
}

new_coroutine <- function(program, env, kind, settings, call, frame) {
  coroutine <- .Call(
    ew_eval_new, program, env, body_kind[[kind]], settings$trace, call, frame
  )
  if (settings$debug) .Call(ew_eval_debug, coroutine, TRUE, settings$trace)
  coroutine
}

# A body that is a block: it gets an environment of its own.
block_coroutine <- function(expr, env, kind, split_pipes, settings, frame) {
  scope <- new.env(parent = env)
  program <- compile_body(expr, scope, kind, split_pipes)
  # `frame` is only looked at if it is needed.
  if (!program[[program_needs_frame]]) frame <- NULL
  new_coroutine(program, scope, kind, settings, NULL, frame)
}

# A function with the arguments of `expr` whose body is one call of `begin`: its
# frame becomes the environment of the body. `begin` is a function of (program,
# settings, frame, call, info).
coroutine_function <- function(expr, env, kind, split_pipes, settings, begin) {
  refuse_pausing_defaults(expr[[2L]])
  program <- compile_body(expr[[3L]], env, kind, split_pipes)
  made <- eval(expr[1:3], env)
  formals <- with_frame_words(expr[[2L]], env)
  needs_frame <- program[[program_needs_frame]]
  if (!identical(formals, expr[[2L]])) {
    formals(made) <- formals
    needs_frame <- TRUE
  }
  info <- if (needs_frame) function_frame_call
  body(made) <- as.call(list(
    begin, program, settings, quote(environment()), quote(sys.call()), info
  ))
  made
}

# A default may ask for the function's call, too, and is evaluated in its body.
with_frame_words <- function(formals, env) {
  for (name in names(formals)) {
    if (!is.call(formals[[name]])) next
    formals[[name]] <- .Call(ew_eval_frame_words, formals[[name]], env)
  }
  formals
}

# R evaluates a default in the middle of whatever asks for the argument.
refuse_pausing_defaults <- function(formals) {
  pauses <- .Call(ew_eval_words, "pause")
  for (name in names(formals)) {
    if (!is.call(formals[[name]])) next
    if (any(pauses %in% all.names(formals[[name]]))) {
      eval_build_error(
        paste0(
          "the default of `", name, "` cannot pause; set it in the body: ",
          "`if (missing(", name, ")) ...`"
        ),
        formals[[name]]
      )
    }
  }
}

# Arguments that were given are evaluated now: a loop that starts tasks would
# otherwise give them all its last value. Defaults stay lazy.
force_arguments <- function(frame) {
  for (name in ls(frame, all.names = TRUE, sorted = FALSE)) {
    if (name == "...") {
      eval(quote(list(...)), frame)
    } else if (!eval(call("missing", as.name(name)), frame)) {
      get(name, envir = frame)
    }
  }
}

# The calls of a body as text, for messages and lists.
coroutine_label <- function(state) {
  if (is.call(state$call)) return(shorten(state$call, 60L))
  kind <- names(body_kind)[[state$kind + 1L]]
  shorten(call(kind, state$source), 60L)
}

# "file.R#12", or "" where the source was not kept.
srcref_label <- function(srcref) {
  if (is.null(srcref)) return("")
  file <- attr(srcref, "srcfile")$filename
  if (is.null(file) || !nzchar(file)) file <- "<text>"
  paste0(basename(file), "#", as.integer(srcref)[[1L]])
}
