# The tests of the async package (crowding/async) that state behaviour, against
# ours. CRAN may not have its sources, or those of iterors, which they use; a
# checkout of 0.3.2 is then named by ELSEWHERE_ASYNC_SOURCE.

async_shim <- quote(function(root) {
  library(promises)
  library(later)
  library(iterors)
  shim <- new.env(parent = globalenv())
  # Its helpers (mock promises and channels, expectations) are in its util.R.
  for (expr in parse(file.path(root, "R", "util.R"), keep.source = FALSE)) {
    is_function <- is.call(expr) && identical(expr[[1L]], as.name("<-")) &&
      is.call(expr[[3L]]) && identical(expr[[3L]][[1L]], as.name("function"))
    if (is_function) eval(expr, shim)
  }
  shim$setCompileLevelFromFn <- function(...) NULL
  shim$`%is%` <- testthat::expect_equal
  for (name in c(
    "async", "await", "awaitNext", "channel", "collect", "collector", "combine",
    "debugAsync", "delay", "gather", "gen", "goto", "is.channel", "nextOr",
    "nextThen", "run", "stream", "subscribe", "yield", "yieldFrom"
  )) {
    assign(name, getExportedValue("elsewhere", name), shim)
  }
  shim
})

# The tests that fail, and why they should.
async_reasons <- local({
  internals <- "it looks at the package's own code or its printed form"
  strict <- "switch() is R's own, but where a goto() stands in it"
  exits <- paste(
    "a value that on.exit() yields after an error is given out; the error",
    "comes when the next is asked for. There it is an error and a value at once"
  )
  c(
    "test-03-gen.R: can optionally split pipes" =
      "a pause may stand in the arguments of any call, unless told otherwise",
    "test-03-gen.R: run" =
      "the error for a value that is too long is vapply()'s",
    "test-03-gen.R: for loop var check" =
      "the variable is checked, in our words",
    "test-04-async.R: async with no await resolves immediately" = internals,
    "test-04-async.R: async with one await" = internals,
    "test-04-async.R: more than one await" = internals,
    "test-04-async.R: async format" = internals,
    "test-0405-channel.R: deque" = internals,
    "test-041-stream.R: stream format" = internals,
    "test-042-stream-sendNow.R: stream format" = internals,
    "test-045-switch.R: Switch numeric" = strict,
    "test-045-switch.R: Switch string" = strict,
    "test-045-switch.R: Switch string with default" = strict,
    "test-045-switch.R: switch string with fallthrough" = strict,
    "test-05-signals.R: try/finally, stop and return" =
      "return() in `finally` replaces an error, as in R",
    "test-055-onexit.R: extremely bananas: simultaneously errors and returns" =
      exits,
    "test-055-onexit.R: pause in on.exit handler" = exits,
    "test-085-debugging.R: tracing execution" =
      "trace = has the vocabulary of 0.2.1, the documented one"
  )
})

test_that("the tests of the async package pass with ours, but for the listed", {
  root <- local_sources("async", "0.3.2", needs = "iterors")
  results <- run_contract(
    root,
    c(
      "test-03-gen.R", "test-04-async.R", "test-0405-channel.R",
      "test-041-stream.R", "test-042-stream-sendNow.R", "test-044-gc.R",
      "test-045-switch.R", "test-05-signals.R", "test-055-onexit.R",
      "test-06-namespacing.R", "test-085-debugging.R"
    ),
    async_shim,
    function(lines) gsub("async::", "elsewhere::", lines, fixed = TRUE)
  )
  expect_gt(nrow(results), 100)
  expect_contract(results, async_reasons)
})
