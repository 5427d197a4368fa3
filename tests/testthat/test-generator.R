test_that("a generator is lazy and gives its values one at a time", {
  ran <- FALSE
  g <- gen({
    ran <<- TRUE
    yield(1)
    yield(2)
  })
  expect_false(ran)
  expect_equal(nextOr(g, "end"), 1)
  expect_equal(g("end"), 2)
  expect_equal(nextOr(g, "end"), "end")
  expect_equal(nextOr(g, "end"), "end")
})

test_that("yield stands in arguments, and its value is what was yielded", {
  expect_equal(as.list(gen({
    x <- c(1, yield(2), 3)
    yield(sum(x))
  })), list(2, 6))
})

test_that("a value can be sent to a generator", {
  g <- gen({
    got <- yield("ready")
    yield(got)
  })
  expect_equal(g(), "ready")
  expect_equal(g(send = 7), 7)
})

test_that("an error ends the generator", {
  g <- gen({
    yield(1)
    stop("broken")
  })
  nextOr(g)
  expect_error(nextOr(g, "end"), "broken")
  expect_equal(nextOr(g, "end"), "end")
})

test_that("finally runs when an error leaves a generator", {
  seen <- character()
  g <- gen(tryCatch(
    {
      yield(1)
      stop("x")
    },
    finally = seen <<- c(seen, "finally")
  ))
  nextOr(g)
  expect_error(nextOr(g), "x")
  expect_equal(seen, "finally")
})

test_that("a generator cannot ask itself", {
  g <- gen(yield(nextOr(g)))
  expect_error(nextOr(g), "already running")
})

test_that("a generator is an iterator of the iterators package", {
  skip_if_not_installed("iterators")
  g <- gen(yield(1))
  expect_equal(iterators::nextElem(g), 1)
  expect_error(iterators::nextElem(g), "StopIteration")
})

test_that("a factory keeps formals and forces what was given", {
  makers <- lapply(1:2, function(i) gen(function(x = i) yield(x))())
  expect_equal(lapply(makers, nextOr), list(1L, 2L))
  expect_equal(as.list(gen(function(x, y = 2) yield(x + y))(1)), list(3))
})

test_that("break, next and return forced inside a callee act on the body", {
  ensure <- function(ok, otherwise) if (ok) "fine" else otherwise
  expect_equal(as.list(gen({
    for (i in 1:5) {
      if (i == 2) ensure(FALSE, next)
      ensure(i < 4, break)
      yield(i)
    }
    yield("out")
  })), list(1L, 3L, "out"))
  expect_equal(as.list(gen({
    yield(1)
    ensure(FALSE, return(NULL))
    yield(2)
  })), list(1))
})

test_that("a generator goes through another one", {
  expect_equal(
    as.list(gen(for (x in gen(for (i in 1:3) yield(i))) yield(x * 10))),
    list(10, 20, 30)
  )
  expect_equal(as.list(gen(yieldFrom(gen(for (i in 1:3) yield(i))))),
    list(1L, 2L, 3L))
})

test_that("for goes over factors as R does", {
  expect_equal(
    as.list(gen(for (x in factor(c("u", "v"))) yield(x))), list("u", "v")
  )
})

test_that("yieldFrom goes two thousand deep, at constant cost an item", {
  chain <- gen(function(n) {
    if (n > 0) yieldFrom(chain(n - 1)) else for (i in 1:3) yield(i)
  })
  expect_equal(as.list(chain(2000)), list(1L, 2L, 3L))
})

test_that("an error at the end of a chain ends all of it", {
  inner <- gen({
    yield(1)
    stop("inner")
  })
  middle <- gen(yieldFrom(inner))
  outer <- gen({
    yieldFrom(middle)
    yield("never")
  })
  expect_equal(nextOr(outer), 1)
  expect_error(nextOr(outer), "inner")
  expect_equal(nextOr(outer, "end"), "end")
  expect_equal(nextOr(middle, "end"), "end")
  caught <- gen(tryCatch(
    yieldFrom(gen({
      yield(1)
      stop("inner")
    })),
    error = function(e) yield(conditionMessage(e))
  ))
  expect_equal(as.list(caught), list(1, "inner"))
})

test_that("what follows yieldFrom runs after it", {
  expect_equal(as.list(gen({
    yieldFrom(gen(for (i in 1:2) yield(i)))
    yieldFrom(3:4)
    yieldFrom(gen(NULL))
    yield(5)
  })), list(1L, 2L, 3L, 4L, 5))
})

test_that("a loop that is left early closes an iterator it made itself", {
  closed <- character()
  count <- gen(function(name) {
    on.exit(closed <<- c(closed, name))
    for (i in 1:5) yield(i)
  })
  expect_identical(
    run(type = 0, for (i in count("break")) if (i == 3) break else yield(i)),
    c(1, 2)
  )
  run(for (i in count("return")) if (i == 3) return())
  expect_error(run(for (i in count("out")) {
    for (j in count("in")) stop("boom")
    yield(i)
  }), "boom")
  g <- gen(for (i in count("closed")) yield(i))
  nextOr(g)
  close(g)
  run(for (i in count("to the end")) i)
  expect_identical(
    closed, c("break", "return", "in", "out", "closed", "to the end")
  )
})

test_that("a loop leaves an iterator alone that is somebody's variable", {
  numbers <- gen(for (i in 1:5) yield(i))
  run(for (i in numbers) if (i == 2) break)
  expect_identical(nextOr(numbers), 3L)
})

test_that("what is sent is evaluated in the body", {
  g <- gen({
    x <- tryCatch(yield("value"), error = function(e) conditionMessage(e))
    yield(x)
  })
  g()
  expect_identical(g(send = stop("sent")), "sent")
})

test_that("a stopped generator keeps its error for print() and summary()", {
  stopped <- function(g, ask) {
    g()
    ask(g)
    summary(g)$err
  }
  quietly <- function(g) try(g(), silent = TRUE)
  error <- stopped(gen({
    yield(1)
    stop("boom")
  }), quietly)
  expect_identical(conditionMessage(error), "boom")
  error <- stopped(gen({
    yield(1)
    list()[[3]]
  }), function(g) tryCatch(g(), error = function(e) NULL))
  expect_identical(conditionMessage(error), "subscript out of bounds")
  expect_identical(conditionMessage(stopped(gen(tryCatch(
    {
      yield(1)
      stop("out of tryCatch")
    },
    finally = NULL
  )), quietly)), "out of tryCatch")
  g <- gen({
    yield(1)
    stop("boom")
  })
  stopped(g, function(g) expect_error(g(), "boom"))
  expect_output(print(g), "<Generator [stopped: boom", fixed = TRUE)
  expect_null(stopped(gen({
    yield(1)
    invokeRestart("out")
  }), function(g) withRestarts(g(), out = function() NULL)))
})

test_that("an error closes the iterators of loops, then on.exit() runs", {
  seen <- character()
  say <- function(word) seen <<- c(seen, word)
  numbers <- gen(function(name) {
    on.exit(say(paste(name, "closed")))
    repeat yield(1)
  })
  failing <- quote({
    on.exit(say("exit"))
    for (x in numbers("outer")) {
      for (y in numbers("inner")) {
        yield(y)
        tryCatch(stop("boom"), finally = say("finally"))
      }
    }
  })
  order <- c("finally", "inner closed", "outer closed", "exit")
  g <- eval(call("gen", failing))
  g()
  expect_error(g(), "boom")
  expect_identical(seen, order)
  seen <- character()
  failing[[3]][[4]][[2]][[4]][[2]] <- quote(await(soon(1)))
  expect_error(settled(eval(call("async", failing))), "boom")
  expect_identical(seen, order)
})

test_that("what was saved and loaded says that it lives elsewhere", {
  file <- withr::local_tempfile()
  reloaded <- function(x) {
    saveRDS(x, file)
    readRDS(file)
  }
  gone <- "elsewhere_other_process"
  g <- reloaded(gen(yield(1)))
  expect_error(g(), class = gone)
  expect_error(as.list(g), class = gone)
  expect_output(print(g), "of another R process")
  task <- reloaded(delay(60))
  expect_error(settled(async(await(task))), class = gone)
  expect_error(wait_for(task), class = gone)
  expect_output(print(task), "of another R process")
  expect_error(cancel(reloaded(async(await(delay(0))))), class = gone)
  expect_error(nextOr(reloaded(stream(yield(1)))), class = gone)
})

test_that("a loop over nothing leaves its variable NULL, as in R", {
  expect_null(run({
    i <- 3
    for (i in yield(NULL)) yield(i)
    i
  })[[1L]])
  expect_identical(settled(async({
    i <- 3
    for (i in await(soon(integer()))) await(soon(i))
    list(i)
  })), list(NULL))
})

test_that("coro's own functions go through our generators", {
  skip_if_not_installed("coro")
  numbers <- gen(function() {
    on.exit(ended <<- TRUE)
    for (i in 1:3) yield(i)
  })
  expect_identical(coro::collect(numbers()), list(1L, 2L, 3L))
  seen <- NULL
  coro::loop(for (x in numbers()) seen <- c(seen, x))
  expect_identical(seen, 1:3)
  doubled <- coro::generator(function(from) for (x in from) yield(2 * x))
  expect_identical(coro::collect(doubled(numbers())), list(2, 4, 6))
  ended <- FALSE
  coro::loop(for (x in numbers()) break)
  expect_true(ended)
})

test_that("generators go through generators a hundred deep", {
  down <- gen(function(n) {
    if (n > 0) {
      yield(n)
      for (x in down(n - 1)) yield(x)
    }
  })
  expect_identical(as.list(down(100)), as.list(as.numeric(100:1)))
})

test_that("a class of the user's has its own nextOr() in a loop", {
  numbers <- gen(for (i in 1:3) yield(i))
  class(numbers) <- c("doubled", class(numbers))
  nextOr.doubled <- function(obj, or, ...) {
    value <- obj(NULL)
    if (is.null(value)) or else 2L * value
  }
  registerS3method(
    "nextOr", "doubled", nextOr.doubled, asNamespace("elsewhere")
  )
  expect_identical(run(for (x in numbers) yield(x), type = 0L), c(2L, 4L, 6L))
})

test_that("an error of a generator that is gone through is caught around it", {
  bad <- gen({
    yield(1)
    stop("inside")
  })
  g <- gen(tryCatch(
    for (x in bad) yield(x),
    error = function(e) yield(conditionMessage(e))
  ))
  expect_identical(as.list(g), list(1, "inside"))
})
