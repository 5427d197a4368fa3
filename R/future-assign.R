# Futures behind variables: `x %<-% expr` starts a future, and reading `x` takes
# its value. The future itself lies beside the variable under a hidden name.

future_name <- function(name) paste0(".future_", name)

#' Assign the value of a future to a variable
#'
#' `x %<-% expr` starts a future; reading `x` waits for its value.
#' `expr %->% x` is the same the other way round.
#'
#' @details
#' `x` may be a variable, an element of an environment (`e$x`, `e[["x"]]`), or
#' an element of a listenv, also by position. Options follow on the right, as in
#' `x %<-% { rnorm(1) } %seed% TRUE`: `%globals%`, `%packages%`, `%seed%`,
#' `%stdout%`, `%conditions%`, `%lazy%` and `%label%` take the value of that
#' argument of [future()], `%plan%` takes a strategy, `%tweak%` a list of
#' arguments of the strategy.
#'
#' @param x Where to assign; for `futureAssign()` one string, a name.
#' @param value An expression.
#' @param envir Where globals are looked up. Default: the caller's environment.
#' @param substitute `FALSE` uses the value of `value`, a call or an expression.
#'   Default: `TRUE`.
#' @param lazy,seed,globals,packages,stdout,conditions,label,... As in
#'   [future()].
#' @param assign.env An environment or listenv: where to assign. Default:
#'   `envir`.
#' @return The future, invisibly.
#' @section Errors:
#' * `elsewhere_bad_argument`: `x` cannot be assigned to, for example because it
#'   is an element of an ordinary list.
#'
#' Reading the variable raises the error of the expression, each time.
#' @examples
#' x %<-% { 1 + 1 }
#' x
#' y %<-% rnorm(1) %seed% 42L
#' y
#' @export
futureAssign <- function(x, value, envir = parent.frame(), substitute = TRUE,
                         lazy = FALSE, seed = FALSE, globals = TRUE,
                         packages = NULL, stdout = TRUE,
                         conditions = "condition", label = NULL, ...,
                         assign.env = envir) {
  if (substitute) value <- substitute(value)
  if (!inherits(assign.env, "listenv")) check_assign_name(x)
  given <- list(
    expr = value, envir = envir, substitute = FALSE, lazy = lazy, seed = seed,
    globals = globals, packages = packages, stdout = stdout,
    conditions = conditions, label = label, ...
  )
  # The operators on the right override the defaults.
  waiting <- plans$disposable
  plans$disposable <- NULL
  given[names(waiting)] <- waiting
  invisible(assign_future(x, do.call(future, given, quote = TRUE), assign.env))
}

check_assign_name <- function(x) {
  if (!is.character(x) || length(x) != 1L || is.na(x) || !nzchar(x)) {
    abort_argument("x", "one name to assign to", x)
  }
}

# Puts a promise of the future's value where `name` is.
assign_future <- function(name, future, where) {
  hidden <- future_name(name)
  if (inherits(where, "listenv")) {
    assign_in_listenv(name, future, where)
  } else {
    assign(hidden, future, envir = where)
    delayed_value(name, hidden, future, where)
  }
  future
}

# The hidden future goes when its value was read; after an error both stay.
delayed_value <- function(variable, hidden, future, where) {
  force(future)
  read <- function() {
    got <- value(future)
    if (identical(where[[hidden]], future)) rm(list = hidden, envir = where)
    got
  }
  delayedAssign(variable, read(), assign.env = where)
}

# A listenv keeps its elements under names of its own, which get_variable()
# makes.
assign_in_listenv <- function(name, future, where) {
  variable <- listenv::get_variable(where, name, create = TRUE)
  hidden <- future_name(variable)
  assign(hidden, future, envir = where)
  delayed_value(variable, hidden, future, where)
}

#' @rdname futureAssign
#' @usage x \%<-\% value
#' @export
`%<-%` <- function(x, value) {
  assign_by_operator(substitute(x), substitute(value), parent.frame())
}

#' @rdname futureAssign
#' @usage value \%->\% x
#' @export
`%->%` <- function(value, x) {
  assign_by_operator(substitute(x), substitute(value), parent.frame())
}

assign_by_operator <- function(target, value, envir) {
  # With `%->%` the options stand on the right of the target.
  while (is_option_call(target)) {
    apply_option(target, envir)
    target <- target[[2L]]
  }
  if (is_option_call(value)) {
    while (is_option_call(value)) {
      apply_option(value, envir)
      value <- value[[2L]]
    }
  }
  chosen <- plans$disposable$.plan
  plans$disposable$.plan <- NULL
  place <- assign_target(target, envir)
  if (is.null(chosen)) {
    return(futureAssign(
      place$name, value, envir = envir, substitute = FALSE,
      assign.env = place$where
    ))
  }
  waiting <- plans$disposable
  plans$disposable <- NULL
  tweaks <- attr(chosen, "tweaks")
  future <- do.call(direct_future, c(
    list(chosen, as.list(tweaks), value, envir), waiting
  ), quote = TRUE)
  invisible(assign_future(place$name, future, place$where))
}

# Where `x`, `e$x`, `e[["x"]]` or `l[[2]]` is: an environment or listenv and a
# name in it, or for a listenv a position.
assign_target <- function(target, envir) {
  if (is.symbol(target)) {
    return(list(name = as.character(target), where = envir))
  }
  if (is.character(target)) return(list(name = target, where = envir))
  head <- if (is.call(target)) as.character(target[[1L]])[[1L]] else ""
  if (!head %in% c("$", "[[", "[") || length(target) < 3L) {
    abort_argument("x", paste(
      "a variable, or an element of an environment or listenv"
    ), target)
  }
  where <- eval(target[[2L]], envir)
  name <- if (head == "$") {
    as.character(target[[3L]])
  } else {
    listenv_position(where, lapply(as.list(target)[-(1:2)], eval, envir))
  }
  if (inherits(where, "listenv") || is.environment(where)) {
    if (!inherits(where, "listenv")) check_assign_name(name)
    return(list(name = name, where = where))
  }
  abort(
    sprintf(
      paste0(
        "`%s` is a %s. Futures can be assigned only to variables and to ",
        "elements of an environment or a listenv."
      ),
      paste(deparse(target[[2L]]), collapse = ""), class(where)[[1L]]
    ),
    "elsewhere_bad_argument", arg = "x", value = where
  )
}

# One index of a listenv; a matrix-like one takes several.
listenv_position <- function(where, indices) {
  if (length(indices) == 1L) return(indices[[1L]])
  size <- dim(where)
  if (is.null(size) || length(size) != length(indices)) {
    abort_argument("x", "an element, with one index per dimension", indices)
  }
  at <- mapply(function(index, extent, names) {
    if (is.character(index)) match(index, names) else index
  }, indices, size, if (is.null(dimnames(where))) {
    rep(list(NULL), length(size))
  } else {
    dimnames(where)
  })
  array(seq_len(prod(size)), dim = size)[matrix(at, nrow = 1L)]
}
