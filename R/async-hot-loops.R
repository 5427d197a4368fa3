# For the evaluator (src/bridge/eval/hot_loops.h): byte code of a loop of a
# body, to be run in `env`, or FALSE. R's own compiler knows which names a
# function assigns, and leaves them alone; here they are those of the whole
# body.
eval_compile_loop <- function(loop, source, env) {
  # Where the user has switched off R's compiling of loops, so is ours.
  if (compiler::enableJIT(-1L) < 3L) return(FALSE)
  scope <- new.env(parent = env)
  for (name in assigned_names(source)) assign(name, NULL, envir = scope)
  if (identical(loop[[1L]], quote(`for`))) {
    loop[[3L]] <- as.call(list(eval_take_sequence))
  }
  tryCatch(
    compiler::compile(loop, scope, list(suppressAll = TRUE)),
    error = function(error) FALSE
  )
}

# The sequence of a compiled for loop is a value that the machine has.
eval_take_sequence <- function() .Call(ew_eval_take_sequence)

assigned_names <- function(expr) {
  if (!is.call(expr)) return(character())
  head <- expr[[1L]]
  is_assignment <- is.name(head) &&
    as.character(head) %in% c("<-", "=", "<<-", "for")
  own <- if (is_assignment && length(expr) > 1L) assigned_name(expr[[2L]])
  parts <- as.list(expr)
  parts <- parts[!vapply(parts, identical, NA, quote(expr = ))]
  unique(c(own, unlist(lapply(parts, assigned_names))))
}

# That of `x` in x$a[1] <- 2, too.
assigned_name <- function(target) {
  while (is.call(target) && length(target) > 1L) target <- target[[2L]]
  if (is.name(target) || is.character(target)) as.character(target)
}

# For tests: loops are compiled after so many rounds. Gives what it was.
compile_loops_after <- function(rounds) {
  .Call(ew_eval_compile_loops_after, as.integer(rounds))
}
