# Functions that ask R for the call they run in. A body goes on, after a pause,
# in a frame that is the evaluator's; so where one of these stands in it, the
# compiler puts the function here beside it, which answers as the function whose
# body it is (or, in a block such as async({...}), the function around it)
# would. Which of the two is called is decided when it runs: in the environment
# of a body that runs, ours; anywhere else (a future, local(), a function that
# evaluates its argument where it likes) R's own.

# What coroutine_function() passes on of a call.
function_frame_call <- quote(
  list(call = sys.call(), fn = sys.function(), caller = parent.frame(),
    nargs = nargs())
)

# The same of the function that a block in `env` stands in: a body of ours, or
# the function whose frame has the number `n`.
block_frame <- function(env, n) {
  body <- frame_info(env)
  if (!is.null(body)) return(body)
  if (n == 0L) {
    return(list(call = NULL, fn = NULL, caller = globalenv(), nargs = 0L))
  }
  call <- sys.call(n)
  list(
    call = call, fn = sys.function(n), caller = sys.frame(sys.parents()[[n]]),
    nargs = length(call) - 1L
  )
}

# NULL where no body runs in `env`.
frame_info <- function(env) .Call(ew_eval_frame, env)

runs_in_body <- function() !is.null(frame_info(parent.frame()))

# Those that the evaluator's table of words names (word_table.cpp). Each has the
# arguments of its namesake that can be answered; a call with others is left
# alone.
frame_words <- list(
  sys.call = function() frame_info(parent.frame())$call,
  sys.function = function() frame_info(parent.frame())$fn,
  parent.frame = function() frame_info(parent.frame())$caller,
  nargs = function() frame_info(parent.frame())$nargs,
  match.call = function(expand.dots = TRUE) {
    info <- frame_info(parent.frame())
    match.call(info$fn, info$call, expand.dots, info$caller)
  },
  match.arg = function(arg, several.ok = FALSE) {
    env <- parent.frame()
    name <- as.character(substitute(arg))
    choices <- eval(formals(frame_info(env)$fn)[[name]], env)
    match.arg(arg, choices, several.ok)
  },
  missing = function(x) {
    name <- substitute(x)
    env <- parent.frame()
    while (!exists(as.character(name), envir = env, inherits = FALSE)) {
      env <- parent.env(env)
      if (identical(env, emptyenv())) stop("object '", name, "' not found")
    }
    eval(call("missing", as.name(name)), env)
  },
  Recall = function(...) frame_info(parent.frame())$fn(...)
)

# For the compiler: `call`, a call of `word` in a body that runs in `env`. One
# with a pause in it can only be run as part of the body.
eval_frame_word <- function(word, call, env, pauses) {
  if (!is_frame_word(word, call, env)) return(call)
  ours <- call
  if (says_default(word, call)) ours <- call[1L]
  ours[[1L]] <- frame_words[[word]]
  if (pauses) return(ours)
  as.call(list(quote(`if`), as.call(list(runs_in_body)), ours, call))
}

is_frame_word <- function(word, call, env) {
  if (is.name(call[[1L]])) {
    found <- get0(word, envir = env, mode = "function")
    if (!identical(found, get(word, envir = baseenv()))) return(FALSE)
  }
  if (word == "Recall" || says_default(word, call)) return(TRUE)
  arguments <- as.list(call)[-1L]
  if (word == "missing") return(length(arguments) == 1L)
  named <- names(arguments)
  if (is.null(named)) named <- character(length(arguments))
  if (word == "match.arg") {
    return(length(arguments) > 0L && is.name(arguments[[1L]]) &&
      named[[1L]] %in% c("", "arg") && all(named[-1L] == "several.ok"))
  }
  all(named %in% setdiff(names(formals(frame_words[[word]])), "")) &&
    all(nzchar(named))
}

# parent.frame(1) is parent.frame().
says_default <- function(word, call) {
  default <- c(sys.call = 0, sys.function = 0, parent.frame = 1)
  word %in% names(default) && length(call) == 2L && is.numeric(call[[2L]]) &&
    call[[2L]] == default[[word]]
}
