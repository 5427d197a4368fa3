# Functions that ask R for the call they run in. A body goes on, after a pause,
# in a frame that is the evaluator's; so the calls of these that stand in it are
# compiled to calls of the functions here, which answer as the function whose
# body it is (or, in a block such as async({...}), the function around it)
# would.

# What coroutine_function() passes on of a call.
function_frame_call <- quote(
  list(call = sys.call(), fn = sys.function(), caller = parent.frame(),
    nargs = nargs())
)

# The same of the function that a block stands in, `n` being its frame's number.
block_frame <- function(n) {
  if (n == 0L) {
    return(list(call = NULL, fn = NULL, caller = globalenv(), nargs = 0L))
  }
  call <- sys.call(n)
  list(
    call = call, fn = sys.function(n), caller = sys.frame(sys.parents()[[n]]),
    nargs = length(call) - 1L
  )
}

frame_info <- function() .Call(ew_eval_frame)

# Each has the arguments of its namesake that can be answered; a call with
# others is left alone.
frame_words <- list(
  sys.call = function() frame_info()$call,
  sys.function = function() frame_info()$fn,
  parent.frame = function() frame_info()$caller,
  nargs = function() frame_info()$nargs,
  match.call = function(expand.dots = TRUE) {
    info <- frame_info()
    match.call(info$fn, info$call, expand.dots, info$caller)
  },
  match.arg = function(arg, several.ok = FALSE) {
    name <- as.character(substitute(arg))
    choices <- eval(formals(frame_info()$fn)[[name]], parent.frame())
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
  Recall = function(...) frame_info()$fn(...)
)

# For the compiler: the body with those calls replaced. `env` is where it runs.
eval_frame_words <- function(expr, env) {
  if (!is.call(expr) || is_frame_opaque(expr[[1L]])) return(expr)
  for (i in seq_along(expr)) {
    if (is.call(expr[[i]])) expr[[i]] <- eval_frame_words(expr[[i]], env)
  }
  if (is.name(expr[[1L]])) {
    name <- as.character(expr[[1L]])
    if (is_frame_word(name, expr, env)) expr[[1L]] <- frame_words[[name]]
  }
  expr
}

is_frame_opaque <- function(head) {
  is.name(head) && as.character(head) %in% c(
    "function", "quote", "bquote", "substitute", "expression", "alist", "~",
    "async", "gen", "stream", "run"
  )
}

is_frame_word <- function(name, expr, env) {
  word <- frame_words[[name]]
  if (is.null(word)) return(FALSE)
  found <- get0(name, envir = env, mode = "function")
  if (!identical(found, get(name, envir = baseenv()))) return(FALSE)
  if (name == "Recall") return(TRUE)
  arguments <- as.list(expr)[-1L]
  if (name == "missing") return(length(arguments) == 1L)
  named <- names(arguments)
  if (is.null(named)) named <- character(length(arguments))
  if (name == "match.arg") {
    return(is.name(arguments[[1L]]) && named[[1L]] %in% c("", "arg") &&
      all(named[-1L] == "several.ok"))
  }
  all(named %in% setdiff(names(formals(word)), "")) && all(nzchar(named))
}
