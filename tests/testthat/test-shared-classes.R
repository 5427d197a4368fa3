# The async package (crowding/async) has classes of the same names as ours.

# A method that hands on, as theirs do.
theirs_of <- function(generic, class) {
  label <- paste("their", generic, class)
  eval(bquote(function(object, ...) c(.(label), NextMethod())))
}

test_that("a method that both packages have is ours for what is ours", {
  method <- method_of_either(
    function(x, ...) "ours", theirs_of("shown", "generator")
  )
  shown <- function(x, ...) UseMethod("shown")
  shown.generator <- method
  shown.coroutine <- function(x, ...) "and that of its parent"
  g <- gen(yield(1))
  expect_identical(shown(g), "ours")
  theirs <- structure(function() 1, class = c("generator", "coroutine"))
  expect_identical(
    shown(theirs), c("their shown generator", "and that of its parent")
  )
})

test_that("what is ours is known from what is not", {
  mine <- list(
    gen(yield(1)), stream(yield(1)), channel(function(emit, ...) NULL), async(1)
  )
  expect_true(all(vapply(mine, is_ours, NA)))
  others <- list(
    structure(function() 1, class = c("generator", "coroutine")),
    structure(function() 1, class = c("channel", "iteror")),
    structure(list(state = 1, then = 2), class = c("async", "promise"))
  )
  expect_false(any(vapply(others, is_ours, NA)))
})

test_that("ours can be printed with the async package loaded, in any order", {
  skip_if_not_installed("async", "0.3")
  for (first in c("async", "elsewhere")) {
    seen <- processx::run(
      file.path(R.home("bin"), "Rscript"), c("-e", sprintf("
        suppressMessages({loadNamespace('%s'); loadNamespace('async')})
        library(elsewhere)
        mine <- list(gen(yield(1)), stream(yield(1)), async(await(delay(9))),
          channel(function(emit, ...) NULL))
        theirs <- list(
          async::gen(async::yield(1)), async::stream(async::yield(1)),
          async::async(async::await(async::delay(9))),
          async::channel(function(emit, ...) NULL))
        for (x in c(mine, theirs)) capture.output({print(x); format(x)})
        for (x in c(mine[-4], theirs[-4])) summary(x)
        cat(summary(theirs[[1]])$state)", first)),
      env = c("current", R_LIBS = paste(.libPaths(), collapse = ":")),
      error_on_status = FALSE, stderr_to_stdout = TRUE, timeout = 100
    )
    expect_identical(seen$status, 0L, info = seen$stdout)
    expect_match(seen$stdout, "yielded$")
  }
})
