# The operators on the right of `%<-%`: each leaves an argument for the next
# future, and then lets the assignment on its left be made.

# The argument of future() that each operator gives.
option_operators <- c(
  `%globals%` = "globals", `%packages%` = "packages", `%seed%` = "seed",
  `%stdout%` = "stdout", `%conditions%` = "conditions", `%lazy%` = "lazy",
  `%label%` = "label", `%plan%` = ".plan", `%tweak%` = ".tweak"
)

is_option_call <- function(call) {
  is.call(call) && is.symbol(call[[1L]]) &&
    as.character(call[[1L]]) %in% names(option_operators)
}

# Leaves the argument of one operator call; those that stand further to the
# left were meant first, but the last said wins, as with any assignment.
apply_option <- function(call, envir) {
  name <- option_operators[[as.character(call[[1L]])]]
  leave_option(name, call[[3L]], envir)
}

leave_option <- function(name, expr, envir) {
  value <- eval(expr, envir)
  left <- plans$disposable
  if (name == ".plan") {
    left$.plan <- as_stack(value)[[1L]]
  } else if (name == ".tweak") {
    base <- if (is.null(left$.plan)) current_stack()[[1L]] else left$.plan
    left$.plan <- do.call(tweak, c(list(base), as.list(value)))
  } else {
    left[name] <- list(value)
  }
  plans$disposable <- left
}

# What `left %option% right` does: leave the option, then run the left side.
option_operator <- function(name) {
  force(name)
  function(fassignment, value) {
    envir <- parent.frame(1)
    former <- plans$disposable
    on.exit(plans$disposable <- former)
    assignment <- substitute(fassignment)
    leave_option(name, substitute(value), envir)
    invisible(eval(assignment, envir))
  }
}

#' @rdname futureAssign
#' @param fassignment An assignment with `%<-%` or `%->%`.
#' @usage fassignment \%globals\% value
#' @export
`%globals%` <- option_operator("globals")

#' @rdname futureAssign
#' @usage fassignment \%packages\% value
#' @export
`%packages%` <- option_operator("packages")

#' @rdname futureAssign
#' @usage fassignment \%seed\% value
#' @export
`%seed%` <- option_operator("seed")

#' @rdname futureAssign
#' @usage fassignment \%stdout\% value
#' @export
`%stdout%` <- option_operator("stdout")

#' @rdname futureAssign
#' @usage fassignment \%conditions\% value
#' @export
`%conditions%` <- option_operator("conditions")

#' @rdname futureAssign
#' @usage fassignment \%lazy\% value
#' @export
`%lazy%` <- option_operator("lazy")

#' @rdname futureAssign
#' @usage fassignment \%label\% value
#' @export
`%label%` <- option_operator("label")

#' @rdname futureAssign
#' @usage fassignment \%plan\% value
#' @export
`%plan%` <- option_operator(".plan")

#' @rdname futureAssign
#' @usage fassignment \%tweak\% value
#' @export
`%tweak%` <- option_operator(".tweak")
