# What a body asks R about its own call, after a pause as before one.

test_that("match.arg(), missing() and sys.call() work in a generator's body", {
  f <- gen(function(type = c("a", "b"), n) {
    type <- match.arg(type)
    yield(type)
    yield(missing(n))
    yield(sys.call())
    yield(match.call())
    yield(nargs())
    yield(formals(sys.function())$type)
  })
  caller <- environment()
  expect_identical(as.list(f("b")), list(
    "b", TRUE, quote(f("b")), quote(f(type = "b")), 1L, quote(c("a", "b"))
  ))
  expect_error(as.list(f("c")), "should be one of")
})

test_that("they work in a task after it has waited", {
  f <- async(function(type = c("a", "b"), n, ...) {
    await(soon(1))
    list(match.arg(type), missing(n), sys.call(), ...length(), ..1)
  })
  expect_identical(
    settled(f("b", , 7, 8)), list("b", TRUE, quote(f("b", , 7, 8)), 2L, 7)
  )
})

test_that("parent.frame() is the caller's environment after a pause", {
  f <- async(function() {
    before <- parent.frame()
    await(soon(1))
    list(before, parent.frame())
  })
  here <- environment()
  expect_identical(settled(f()), list(here, here))
})

test_that("in a block they answer for the function around it", {
  f <- function(x, y = c("u", "v")) {
    async({
      await(soon(1))
      list(missing(x), match.arg(y), sys.call(), match.call())
    })
  }
  expect_identical(
    settled(f(, "v")), list(TRUE, "v", quote(f(, "v")), quote(f(y = "v")))
  )
})

test_that("a body may call itself by Recall()", {
  down <- async(function(n) {
    await(soon(1))
    if (n == 0) "bottom" else await(Recall(n - 1))
  })
  expect_identical(settled(down(3)), "bottom")
})

test_that("warnings and errors after a pause have the user's call", {
  warns <- async(function(z) {
    await(soon(1))
    warning("w")
  })
  call <- NULL
  withCallingHandlers(settled(warns(1)), warning = function(w) {
    call <<- conditionCall(w)
    invokeRestart("muffleWarning")
  })
  expect_identical(call, quote(warns(1)))
  fails <- gen(function(z) {
    yield(paste(z))
    stop("x")
  })
  g <- fails(2)
  nextOr(g)
  error <- tryCatch(nextOr(g), error = identity)
  expect_identical(conditionCall(error), quote(fails(2)))
})

test_that("run() is as visible as its code", {
  expect_invisible(run(x <- 5))
  expect_invisible(run({
    x <- 5
  }))
  expect_invisible(run(for (i in 1:3) i))
  expect_invisible(run(invisible(7)))
  expect_visible(run(7))
  expect_visible(run(type = 0, yield(1)))
})
