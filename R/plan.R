#' Set where futures are evaluated
#'
#' `plan(multisession, workers = 2)` evaluates all later futures in two
#' background R processes. Without a `plan()`, futures are evaluated in this
#' process, one after the other ([sequential]).
#'
#' @details
#' A list sets one strategy per nesting level: the first for futures, the second
#' for futures that are created inside of these. Below the last level, futures
#' are sequential.
#'
#' Environment variables `R_FUTURE_PLAN`, `R_FUTURE_GLOBALS_MAXSIZE`,
#' `R_FUTURE_RNG_ONMISUSE` and so on set options `future.plan`,
#' `future.globals.maxSize`, `future.rng.onMisuse`, if these are not set when
#' the package is loaded. When the package is attached, it runs a file
#' `.future.R` from the working directory or else from the home directory, or
#' the file in option `future.startup.script`; `FALSE` runs none. `-p 4` or
#' `--parallel=4` among the arguments of R or of a script sets option `mc.cores`
#' and, if nothing else has set a plan, `plan(multisession, workers = 4)`.
#'
#' A new plan ends the workers of the old one. Futures that these were
#' evaluating are lost; their value is a `FutureInterruptError`. Setting the
#' current plan again changes nothing.
#'
#' @param strategy A strategy ([sequential], [multisession], [multicore],
#'   [cluster], [multiprocess]), its name, a list of these, or the value of an
#'   earlier `plan()`. Missing: nothing is changed. `NULL` or `"default"`: the
#'   plan in option `future.plan` or environment variable `R_FUTURE_PLAN`, or
#'   else sequential. `"list"`, `"tail"`, `"next"`, `"pop"`, `"reset"`,
#'   `"backend"`: see Value.
#' @param ... Arguments of the strategy, such as `workers`.
#' @param substitute `FALSE`: `strategy` is a value. `TRUE` (default):
#'   `multisession(workers = 2)` means `multisession, workers = 2`.
#' @param .skip,.call,.cleanup,.init For compatibility; not used.
#' @return The previous stack of strategies, a list of class
#'   `FutureStrategyList`, invisibly. `plan()` returns the current strategy;
#'   `plan("list")` the stack; `plan("tail")` the stack without its first
#'   strategy; `plan("next")` its first strategy; `plan("pop")` removes the
#'   first, `plan("reset")` restores the default; `plan("backend")` returns the
#'   backend that evaluates the futures.
#' @section Errors:
#' * `elsewhere_bad_argument`: the strategy does not exist, or does not accept
#'   an argument.
#' * `FutureError`: option `future.plan.disallow` names the strategy.
#' @section Warnings:
#' `elsewhere_unknown_option`: an argument has no effect on what evaluates the
#' futures, such as `recycle` on the nodes of a cluster of the parallel package.
#' Field `options` has its name, the message says what it is for.
#' @examples
#' old <- plan(sequential)
#' plan()
#' plan(old)
#' @export
plan <- function(strategy = NULL, ..., substitute = TRUE, .skip = FALSE,
                 .call = TRUE, .cleanup = NA, .init = TRUE) {
  if (missing(strategy) && ...length() == 0L) return(current_stack()[[1L]])
  if (substitute) {
    called <- strategy_of_call(substitute(strategy), parent.frame())
    if (!is.null(called)) strategy <- called
  }
  if (is.character(strategy) && length(strategy) == 1L &&
    strategy %in% names(plan_actions)) {
    return(plan_actions[[strategy]]())
  }
  stack <- if (is.null(strategy) || identical(strategy, "default")) {
    default_stack()
  } else {
    as_stack(strategy)
  }
  if (...length()) stack[[1L]] <- tweak(stack[[1L]], ...)
  # A plan that is set again keeps the call it was first set by.
  if (...length() || is.null(attr(stack[[1L]], "call"))) {
    attr(stack[[1L]], "call") <- sys.call()
  }
  invisible(set_stack(stack))
}

# `plan(multisession(workers = 2))` is `plan(multisession, workers = 2)`. NULL
# for all other code.
strategy_of_call <- function(code, envir) {
  is_named <- is.call(code) && length(code) > 1L && !is.null(names(code)) &&
    all(nzchar(names(code)[-1L]))
  if (!is_named) return(NULL)
  head <- code[[1L]]
  is_plain <- is.symbol(head) || identical(head[[1L]], quote(`::`))
  if (!is_plain) return(NULL)
  strategy <- tryCatch(
    eval(head, envir, baseenv()), error = function(e) NULL
  )
  if (!is.function(strategy) || !inherits(strategy, "future")) return(NULL)
  arguments <- lapply(as.list(code)[-1L], eval, envir)
  do.call(tweak, c(list(strategy), arguments), quote = TRUE)
}

plan_actions <- list(
  "list" = function() current_stack(),
  "tail" = function() new_stack(unclass(current_stack())[-1L]),
  "next" = function() current_stack()[[1L]],
  "pop" = function() {
    invisible(set_stack(nested_stack(unclass(current_stack()))))
  },
  "reset" = function() invisible(set_stack(default_stack())),
  "backend" = function() current_backend()
)

# Makes `stack` rule and answers the one that did.
set_stack <- function(stack) {
  old <- current_stack()
  refuse_disallowed(stack)
  if (!is.null(plans$backend) && is_equal_stack(stack, old)) {
    plans$stack <- stack
    return(old)
  }
  # What can be wrong with the new one is found before the old one is ended.
  backend <- new_backend(stack, backend_settings(stack[[1L]]))
  warn_unknown_options(stack[[1L]], backend)
  leave_backend()
  plans$stack <- stack
  # Where workers cannot be started, the old plan rules again, with new ones.
  on.exit(plans$stack <- old)
  plans$backend <- open_backend(backend)
  on.exit()
  old
}

refuse_disallowed <- function(stack) {
  disallowed <- getOption("future.plan.disallow")
  if (is.null(disallowed)) return()
  for (strategy in stack) {
    name <- strategy_name(strategy)
    if (name %in% disallowed) {
      stop(new_future_error(sprintf(
        paste0(
          "Strategy %s is disallowed on this computer by option ",
          "`future.plan.disallow`."
        ),
        sQuote(name, FALSE)
      ), NULL))
    }
  }
}

#' Use a plan temporarily
#'
#' `with(plan(multisession, workers = 2), expr)` evaluates `expr` under that
#' plan and restores the previous one.
#'
#' @param data The value of [plan()].
#' @param expr An expression.
#' @param ... Not used.
#' @param local `TRUE` keeps the new plan until the calling function ends.
#' @return The value of `expr`.
#' @examples
#' with(plan(sequential), value(future(1 + 1)))
#' @export
with.elsewhere_strategies <- function(data, expr, ..., local = FALSE) {
  former <- data
  if (local) {
    undo <- as.call(list(plan, former))
    do.call(base::on.exit, list(undo, add = TRUE), envir = parent.frame())
    return(invisible())
  }
  on.exit(plan(former))
  expr
}

#' @export
print.elsewhere_strategy <- function(x, ...) {
  cat(format_strategy(x), sep = "\n")
  invisible(x)
}

#' @export
print.elsewhere_strategies <- function(x, ...) {
  cat("List of future strategies:\n")
  for (i in seq_along(x)) {
    lines <- format_strategy(x[[i]])
    cat(
      sprintf("%d. %s", i, lines[[1L]]), paste0("   ", lines[-1L]), sep = "\n"
    )
  }
  invisible(x)
}

format_strategy <- function(strategy) {
  call <- attr(strategy, "call")
  shown <- formals(strategy)[setdiff(
    names(formals(strategy)), c("expr", "...", "envir", "substitute")
  )]
  arguments <- vapply(shown, function(value) {
    paste(deparse(value, nlines = 1L), collapse = "")
  }, "")
  c(
    sprintf("%s:", strategy_name(strategy)),
    sprintf("- args: %s", paste(
      names(arguments), arguments, sep = " = ", collapse = ", "
    )),
    sprintf("- tweaked: %s", inherits(strategy, "tweaked")),
    paste("- call:", paste(deparse(call, nlines = 1L), collapse = ""))
  )
}
