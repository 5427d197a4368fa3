# on.exit(), finally, withRestarts() and goto() with pauses in them.

test_that("what on.exit() registers may wait, in R's order", {
  seen <- character()
  say <- function(word) seen <<- c(seen, word)
  task <- async({
    on.exit({
      say("first")
      await(soon(1))
      say("waited")
    })
    on.exit(say("last"), add = TRUE)
    on.exit(say("before"), add = TRUE, after = FALSE)
    await(soon(1))
    say("body")
    "value"
  })
  expect_identical(settled(task), "value")
  expect_identical(seen, c("body", "before", "first", "waited", "last"))
})

test_that("an on.exit() that waits runs after an error, which goes on", {
  ran <- FALSE
  task <- async({
    on.exit({
      await(soon(1))
      ran <<- TRUE
    })
    stop("boom")
  })
  expect_error(settled(task), "boom")
  expect_true(ran)
})

test_that("an error in one on.exit() does not prevent the next", {
  ran <- character()
  task <- async({
    on.exit({
      await(soon(1))
      stop("second error")
    })
    on.exit(ran <<- c(ran, "next"), add = TRUE)
    stop("first error")
  })
  expect_error(settled(task), "second error")
  expect_identical(ran, "next")
})

test_that("return() in on.exit() replaces an error and a value", {
  failing <- async({
    on.exit({
      await(soon(1))
      return("instead")
    })
    stop("boom")
  })
  expect_identical(settled(failing), "instead")
  plain <- async({
    on.exit(return("instead"))
    await(soon(1))
    stop("boom")
  })
  expect_identical(settled(plain), "instead")
})

test_that("on.exit() of a task that did not wait is the task's, too", {
  f <- async(function() {
    on.exit(stop("from on.exit"))
    1
  })
  task <- f()
  expect_error(settled(task), "from on.exit")
})

test_that("a generator may yield in on.exit() and in finally", {
  g <- gen({
    on.exit(yield("exit"))
    tryCatch(
      {
        yield("body")
        stop("boom")
      },
      finally = yield("finally")
    )
  })
  expect_identical(nextOr(g), "body")
  expect_identical(nextOr(g), "finally")
  expect_identical(nextOr(g), "exit")
  expect_error(nextOr(g), "boom")
  expect_identical(nextOr(g, "end"), "end")
})

test_that("on.exit() in local() belongs to that", {
  seen <- character()
  task <- async({
    local({
      on.exit({
        await(soon(1))
        seen <<- c(seen, "inner")
      })
      await(soon(1))
    })
    seen <<- c(seen, "after")
  })
  settled(task)
  expect_identical(seen, c("inner", "after"))
})

test_that("restarts outlast a pause", {
  task <- async({
    withRestarts(
      {
        await(soon(1))
        invokeRestart("use", 5)
        "not reached"
      },
      use = function(value) value * 2
    )
  })
  expect_identical(settled(task), 10)
})

test_that("an outer withRestarts() is found, one that ended is not", {
  task <- async({
    outer <- withRestarts(
      {
        await(soon(1))
        withRestarts(
          {
            await(soon(1))
            invokeRestart("outer", 1)
          },
          inner = function() "inner"
        )
      },
      outer = function(value) c("outer", value)
    )
    await(soon(1))
    list(
      outer, is.null(computeRestarts()[["outer"]]), tryInvokeRestart("outer")
    )
  })
  expect_identical(settled(task), list(c("outer", "1"), TRUE, NULL))
})

test_that("a restart out of a scope runs the finally code on its way, once", {
  seen <- character()
  task <- async({
    withRestarts(
      local(tryCatch(
        {
          await(soon(1))
          invokeRestart("leave", 3)
        },
        finally = seen <<- c(seen, "finally")
      )),
      leave = function(value) value + 1
    )
  })
  expect_identical(settled(task), 4)
  expect_identical(seen, "finally")
})

test_that("a handler may invoke a restart of the body", {
  task <- async(withCallingHandlers(
    withRestarts(
      {
        await(soon(1))
        warning("W")
        "not reached"
      },
      skip = function() "skipped"
    ),
    warning = function(w) invokeRestart("skip")
  ))
  expect_identical(settled(task), "skipped")
})

test_that("goto() goes on at another alternative", {
  collatz <- function(x) {
    as.numeric(as.list(gen({
      yield(x)
      switch(if (x == 1) return() else x %% 2 + 1,
        {
          x <- x / 2
          yield(x)
          goto()
        },
        {
          x <- x * 3 + 1
          yield(x)
          goto()
        }
      )
    })))
  }
  expect_identical(collatz(6), c(6, 3, 10, 5, 16, 8, 4, 2, 1))
})

test_that("goto() runs finally on its way, and may stand there", {
  g <- gen(switch("a",
    a = tryCatch(
      {
        yield("one")
        goto("b")
      },
      finally = yield("two")
    ),
    b = yield("three")
  ))
  expect_identical(as.list(g), list("one", "two", "three"))
  expect_identical(run(switch("x",
    x = tryCatch("x", finally = goto("y")),
    y = "y!"
  )), "y!")
  expect_identical(run(switch("x",
    x = tryCatch(stop("x"), error = goto("y")),
    y = "y!"
  )), "y!")
})

test_that("goto() to nowhere is an error, and so is one outside of switch()", {
  expect_error(run(switch("a", a = goto("z"), b = 1)), "no such alternative")
  expect_error(run(switch(1, goto(9), 1)), "out of bounds")
  expect_error(gen(goto("a")), class = "elsewhere_cannot_pause")
  expect_error(goto("a"), class = "elsewhere_yield_outside")
})

test_that("a switch() in a body is R's own", {
  choose <- function(x) run(type = list(), {
    value <- switch(x, a = , b = yield("b"), c = yield("c"))
    yield(value)
  })
  expect_identical(choose("a"), list("b", "b"))
  expect_identical(choose("zz"), list(NULL))
  expect_error(choose(1L), "empty alternative")
  expect_error(choose(c("a", "b")), "length 1")
})

test_that("a for loop in tryCatch() may go through a channel", {
  numbers <- stream(for (i in 1:3) yield(i))
  task <- async(tryCatch(
    {
      total <- 0
      for (i in numbers) total <- total + i
      total
    },
    error = function(e) "error"
  ))
  expect_identical(settled(task), 6)
})

test_that("calls that the parser would not make are refused, not run", {
  expect_error(
    eval(call("gen", call("for", 44444, 1:3, quote(yield(1))))),
    class = "elsewhere_cannot_pause"
  )
  for (bad in list(
    call("if", quote(yield(1))), call("while", quote(yield(1))),
    call("<-", quote(yield(1))), call("&&", quote(yield(1))),
    as.call(list(as.name("("))), call("repeat")
  )) {
    expect_error(
      eval(call("gen", call("{", bad, quote(yield(2))))) |> as.list()
    )
  }
})

test_that("handlers that cannot be told apart are refused when it is built", {
  handlers <- setNames(
    rep(list(quote(function(e) "h")), 40), c(paste0("c", 1:39), "error")
  )
  many <- as.call(c(quote(tryCatch), quote(await(soon(1))), handlers))
  expect_error(eval(call("async", many)), class = "elsewhere_cannot_pause")
  expect_error(
    async(function(...) tryCatch(await(soon(1)), ...)),
    class = "elsewhere_cannot_pause"
  )
})

test_that("a default that pauses is refused when the function is made", {
  expect_error(
    async(function(x = await(soon(1))) x), "default of `x`",
    class = "elsewhere_cannot_pause"
  )
})

test_that("a break in tryCatch() is no error for an on.exit() that pauses", {
  expect_identical(settled(async({
    repeat {
      value <- tryCatch({
        if (TRUE) break
        1
      }, error = function(e) 2)
      on.exit(await(delay(0)))
    }
    "done"
  })), "done")
  expect_identical(settled(async({
    on.exit(await(delay(0)))
    for (i in 1:3) {
      value <- tryCatch(if (i < 3) next else i, error = function(e) 0)
      await(delay(0))
    }
    value
  })), 3L)
})

test_that("return() that R evaluates runs an on.exit() that waits", {
  seen <- character()
  say <- function(word) seen <<- c(seen, word)
  f <- async(function() {
    on.exit({
      await(soon(1))
      say("exit")
    })
    local({
      on.exit({
        await(soon(1))
        say("inner")
      })
      suppressWarnings(return("local"))
    })
    say("between")
    tryCatch(return("early"), error = function(e) "caught")
    "late"
  })
  expect_identical(settled(f()), "early")
  expect_identical(seen, c("inner", "between", "exit"))
  g <- gen({
    on.exit(yield("exit"))
    withCallingHandlers(return("early"), warning = function(w) NULL)
  })
  expect_identical(as.list(g), list("exit"))
})

test_that("a restart out of a body leaves what waits on its way due", {
  for (start in list(
    function(say) {
      async({
        on.exit({
          await(soon(1))
          say("exit")
        })
        invokeRestart("out", 5)
      })
    },
    function(say) {
      f <- async(function() {
        tryCatch(invokeRestart("out", 5), finally = {
          await(soon(1))
          say("exit")
        })
      })
      f()
    }
  )) {
    seen <- character()
    value <- NULL
    said <- capture.output(
      {
        value <- withRestarts(
          start(function(word) seen <<- c(seen, word)), out = identity
        )
        expect_true(soon_true(function() nrow(async_tasks()) == 0L))
        later::run_now()
      },
      type = "message"
    )
    expect_identical(value, 5)
    expect_identical(seen, "exit")
  }
})

test_that("a generator left by a restart gives out what its on.exit() yields", {
  g <- gen({
    on.exit(yield("exit"))
    yield(1)
    invokeRestart("out", 7)
  })
  expect_identical(g(), 1)
  expect_identical(withRestarts(g(), out = identity), 7)
  expect_identical(g(), "exit")
  expect_identical(g("end"), "end")
})

test_that("a return() that R evaluates leaves `finally` before on.exit()", {
  seen <- character()
  say <- function(word) seen <<- c(seen, word)
  task <- async({
    on.exit(say("exit"))
    local({
      on.exit(say("local exit"))
      tryCatch(
        {
          tryCatch(return(1), finally = say("inner"))
          2
        },
        finally = {
          await(soon(1))
          say("outer")
        }
      )
    })
    tryCatch(
      {
        tryCatch(return("early"), finally = say("inner"))
        "late"
      },
      finally = {
        await(soon(1))
        say("outer")
      }
    )
  })
  expect_identical(settled(task), "early")
  expect_identical(
    seen, c("inner", "outer", "local exit", "inner", "outer", "exit")
  )
})

test_that("an error in `finally` replaces a return() that R evaluates", {
  lazily <- function(a) a
  bodies <- expression(
    {
      caught <- tryCatch(
        tryCatch(
          {
            await(soon(1))
            lazily(return("returned"))
          },
          finally = stop("in finally")
        ),
        error = function(e) conditionMessage(e)
      )
      c("went on", caught)
    },
    {
      caught <- local(tryCatch(
        tryCatch(
          {
            await(soon(1))
            lazily(return("returned"))
          },
          finally = stop("in finally")
        ),
        error = function(e) {
          await(soon(2))
          conditionMessage(e)
        }
      ))
      c("went on", caught)
    },
    {
      # What is caught in `finally` itself replaces nothing.
      tryCatch(
        {
          await(soon(1))
          lazily(return("returned"))
        },
        finally = tryCatch(
          for (i in 1:2) if (i == 2) stop("inside"),
          error = function(e) NULL
        )
      )
      "went on"
    },
    {
      out <- local({
        tryCatch(
          {
            await(soon(1))
            lazily(return("inner"))
          },
          finally = return("of finally")
        )
      })
      c("went on", out)
    },
    {
      for (i in 1:3) {
        tryCatch(
          {
            await(soon(1))
            lazily(return("returned"))
          },
          finally = if (i < 2) next else break
        )
      }
      paste("went on after", i)
    },
    {
      tryCatch(
        {
          await(soon(1))
          lazily(return("returned"))
        },
        finally = local({
          for (i in 1:2) NULL
          i
        })
      )
      "went on"
    }
  )
  answers <- list(
    c("went on", "in finally"), c("went on", "in finally"), "returned",
    c("went on", "of finally"), "went on after 2", "returned"
  )
  for (i in seq_along(bodies)) {
    expect_identical(
      settled(eval(bquote(async(.(bodies[[i]]))))), answers[[i]],
      info = deparse(bodies[[i]])
    )
  }
})

test_that("an error in `finally` on the way of another ends the task with it", {
  task <- async(withRestarts(
    tryCatch(
      {
        await(soon(1))
        invokeRestart("out")
      },
      finally = stop("in finally")
    ),
    out = function() "restarted"
  ))
  expect_error(settled(task), "in finally")
})
