# Strategies as plan() takes them: functions with classes, a name and arguments.
# The functions themselves are in R/future-strategies.R.

# `kinds` are the classes, most special first. The factory is for the plan() of
# the future package, should it be given one of ours: see R/front-framework.R.
new_strategy <- function(fun, kinds, tweakable = character()) {
  structure(
    fun,
    class = c(
      "elsewhere_strategy", "FutureStrategy", kinds, "future", "function"
    ),
    init = TRUE,
    tweakable = tweakable,
    factory = if ("uniprocess" %in% kinds) {
      function(...) future::SequentialFutureBackend()
    } else {
      function(..., expr, envir, substitute) {
        strategy_fronts$framework_backend(...)
      }
    }
  )
}

# What fronts give when the package is loaded.
strategy_fronts <- new.env(parent = emptyenv())

# Arguments that every strategy takes in plan() and tweak().
common_tweaks <- c(
  "maxSizeOfObjects", "gc", "earlySignal", "interrupts", "split", "lazy.default"
)

# Which of them have an effect, the kind of backend knows.
pool_tweaks <- c(common_tweaks, pool_options)

strategy_synonyms <- c(uniprocess = "sequential", pool = "multisession")

strategy_by_name <- function(name) {
  own <- if (name %in% names(strategy_synonyms)) {
    strategy_synonyms[[name]]
  } else {
    name
  }
  # The functions stand above this file, with the futures that they make.
  found <- if (nzchar(own)) get0(own, topenv(), inherits = FALSE)
  if (is_own_strategy(found)) return(found)
  if (grepl("::", name, fixed = TRUE)) {
    parts <- strsplit(name, ":::?")[[1L]]
    found <- tryCatch(
      getExportedValue(parts[[1L]], parts[[2L]]), error = function(e) NULL
    )
    if (is.function(found)) return(as_strategy(found))
  }
  abort(
    sprintf(
      paste(
        "`plan()` does not know strategy %s. It knows \"sequential\",",
        "\"multisession\", \"multicore\", \"multiprocess\" and \"cluster\"."
      ),
      encodeString(name, quote = "\"")
    ),
    "elsewhere_bad_argument", arg = "strategy", value = name,
    home = c("FutureError", "FutureCondition")
  )
}

# The name that a strategy is known by: its most special class.
strategy_name <- function(strategy) {
  names <- setdiff(
    class(strategy),
    c("elsewhere_strategy", "FutureStrategy", "tweaked", "future", "function")
  )
  if (length(names)) names[[1L]] else ""
}

# A strategy from a function or a name. One of the future package is taken by
# its name and its arguments.
as_strategy <- function(x) {
  if (is_own_strategy(x)) return(x)
  if (is.character(x) && length(x) == 1L && !is.na(x)) {
    return(strategy_by_name(x))
  }
  if (inherits(x, "future") && is.function(x)) {
    own <- strategy_by_name(strategy_name(x))
    given <- as.list(formals(x))[c("workers", "rscript_libs", "queue")]
    given <- given[!vapply(given, is.null, NA)]
    given <- given[!vapply(given, is.language, NA)]
    return(do.call(tweak, c(list(own), given)))
  }
  abort(
    sprintf(
      paste0(
        "`strategy` must be a strategy such as `multisession`, its name, or a ",
        "list of them, not %s."
      ),
      describe_value(x)
    ),
    "elsewhere_bad_argument", arg = "strategy", value = x,
    home = c("FutureError", "FutureCondition")
  )
}

is_own_strategy <- function(x) inherits(x, "elsewhere_strategy")
