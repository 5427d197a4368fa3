#' Change the default arguments of a strategy
#'
#' @param strategy A strategy, such as [multisession], or its name.
#' @param ... Named arguments: the new defaults.
#' @param penvir Not used; for compatibility.
#' @return The strategy, with class `tweaked` added.
#' @section Errors:
#' * `elsewhere_bad_argument`: an argument has no name, or belongs to a single
#'   future, such as `seed`.
#' @section Warnings:
#' `elsewhere_unknown_option`: the strategy does not know an argument. Field
#' `options` contains its name, and the message lists the strategies that know
#' it.
#' @examples
#' two <- tweak(multisession, workers = 2)
#' formals(two)$workers
#' @export
tweak <- function(strategy, ..., penvir = parent.frame()) {
  strategy <- as_strategy(strategy)
  arguments <- list(...)
  if (!length(arguments)) return(strategy)
  names <- names(arguments)
  if (is.null(names) || !all(nzchar(names))) {
    abort(
      "Arguments of `tweak()` and `plan()` after the first must be named.",
      "elsewhere_bad_argument", arg = "...", home = "FutureError"
    )
  }
  if (anyDuplicated(names)) {
    warning(sprintf(
      "Argument %s is given more than once; the first value is used.",
      paste0("`", unique(names[duplicated(names)]), "`", collapse = ", ")
    ), call. = FALSE)
    arguments <- arguments[!duplicated(names)]
    names <- names(arguments)
  }
  refuse_future_arguments(names)
  warn_unknown_arguments(names, strategy)
  known <- formals(strategy)
  # as.list() keeps an argument whose new value is NULL.
  known <- as.list(known)
  known[names] <- arguments
  attributes <- attributes(strategy)
  attributes$srcref <- NULL
  formals(strategy) <- known
  tweaks <- attributes$tweaks
  tweaks[names] <- arguments
  attributes$tweaks <- tweaks
  attributes$class <- unique(
    c("elsewhere_strategy", "FutureStrategy", "tweaked", attributes$class)
  )
  attributes(strategy) <- attributes
  strategy
}

# These belong to one future.
untweakable <- c(
  "conditions", "envir", "expr", "globals", "label", "lazy", "local",
  "packages", "seed", "stdout", "substitute", "version"
)

refuse_future_arguments <- function(names) {
  wrong <- intersect(names, setdiff(untweakable, "label"))
  if (!length(wrong)) return()
  abort(
    sprintf(
      paste0(
        "Argument %s belongs to a single future and cannot be set by `plan()` ",
        "or `tweak()`. Give it to `future()`."
      ),
      paste0("`", wrong, "`", collapse = ", ")
    ),
    "elsewhere_bad_argument", arg = wrong, home = "FutureError"
  )
}

warn_unknown_arguments <- function(names, strategy) {
  known <- c(names(formals(strategy)), attr(strategy, "tweakable"), "label")
  unknown <- setdiff(names, known)
  if (length(unknown)) {
    for_others <- who_knows(unknown)
    warning(warningCondition(
      sprintf(
        paste0(
          "Detected %d unknown future arguments for strategy %s: %s. They ",
          "have no effect%s."
        ),
        length(unknown), sQuote(strategy_name(strategy), FALSE),
        paste(sQuote(unknown, FALSE), collapse = ", "),
        if (nzchar(for_others)) paste0(": ", for_others) else ""
      ),
      class = "elsewhere_unknown_option", options = unknown
    ))
  }
}
