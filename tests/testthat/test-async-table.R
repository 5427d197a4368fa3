# What the async package and coro cannot do, or do otherwise, and R's semantics
# ask for: the whole table, line by line. Then the features of both, and what
# users ask for. Most have tests of their own elsewhere, with what is around
# them.

p <- function(v) delay(0, v)

# Each line of `lines` is `about = list(code, answer)`; code that gives a
# promise is waited for.
expect_lines <- function(lines) {
  for (about in names(lines)) {
    line <- lines[[about]]
    env <- new.env(parent = parent.frame())
    seen <- tryCatch(
      {
        value <- eval(line[[1L]], env)
        if (inherits(value, "promise")) settled(value) else value
      },
      error = function(error) paste("Error:", conditionMessage(error))
    )
    answer <- eval(line[[2L]], env)
    expect_identical(seen, answer, info = about)
  }
}

lines_of <- function(...) {
  lapply(eval(substitute(alist(...))), function(line) as.list(line)[-1L])
}

class_of_error <- function(code) {
  tryCatch(
    {
      code
      "no error"
    },
    error = function(error) class(error)[[1L]]
  )
}

test_that("awaits stand in arguments, conditions, targets and indices", {
  expect_lines(lines_of(
    `sum` = .(async(sum(1, await(p(2)))), 3),
    `sum, first` = .(async(sum(await(p(2)), 1)), 3),
    `list` = .(async(list(a = await(p(1)))), list(a = 1)),
    `plus` = .(async(await(p(1)) + await(p(2))), 3),
    `c` = .(async(c(1, await(p(2)))), c(1, 2)),
    `paste` = .(async(paste("x", "y", sep = await(p("-")))), "x-y"),
    `if` = .(async(if (await(p(TRUE))) 1), 1),
    `while` = .(async({
      n <- 0
      while (await(p(n < 2))) n <- n + 1
      n
    }), 2),
    `while <` = .(async({
      i <- 0
      while (i < await(p(3))) i <- i + 1
      i
    }), 3),
    `for` = .(async({
      s <- 0
      for (i in await(p(1:3))) s <- s + i
      s
    }), 6),
    `return` = .(async({
      return(await(p(4)))
      5
    }), 4),
    `(` = .(async((await(p(4)))), 4),
    `&&` = .(async(await(p(TRUE)) && await(p(FALSE))), FALSE),
    `switch` = .(async(switch(await(p("b")), a = 1, b = await(p(2)))), 2),
    `=` = .(async({
      z = await(p(4)) # nolint
      z
    }), 4),
    `<- if` = .(async({
      x <- if (TRUE) await(p(1)) else 2
      y <- {
        await(p(5))
      }
      c(x, y)
    }), c(1, 5)),
    `$<-` = .(async({
      x <- list()
      x$a <- await(p(1))
      names(x) <- await(p("q"))
      x
    }), list(q = 1)),
    `[[<-` = .(async({
      x <- 1:3
      x[[await(p(1))]] <- 5L
      m <- matrix(1:4, 2)
      c(x[await(p(1))], m[await(p(2)), await(p(1))])
    }), c(5L, 2L)),
    `a function of the body` = .(async({
      f <- function(v) v
      f(await(p(3)))
    }), 3),
    `the function itself` = .(async(await(p(sqrt))(4)), 2),
    `a pipe` = .(async(p(3:1) |> await() |> sort()), 1:3)
  ))
})

test_that("handlers, scopes and exits outlast a pause", {
  expect_lines(lines_of(
    `any class` = .(async(tryCatch(
      {
        await(p(1))
        message("m")
      },
      message = function(m) "M"
    )), "M"),
    `a class of one's own` = .(async(tryCatch(
      {
        await(p(1))
        stop(errorCondition("x", class = "mine"))
      },
      mine = function(e) "mine"
    )), "mine"),
    `finally` = .(
      {
        said <- NULL
        settled(async(tryCatch(await(p(1)), finally = said <- "done")))
      },
      1
    ),
    `a handler that waits` = .(
      async(tryCatch(stop(), error = function(e) await(p(7)))), 7
    ),
    `withCallingHandlers` = .(
      {
        count <- 0
        suppressWarnings(settled(async(withCallingHandlers(
          {
            await(p(1))
            warning("w")
          },
          warning = function(w) count <<- count + 1
        ))))
        count
      },
      1
    ),
    `suppressWarnings` = .(
      {
        leaked <- FALSE
        withCallingHandlers(
          settled(async(suppressWarnings({
            await(p(1))
            warning("w")
          }))),
          warning = function(w) leaked <<- TRUE
        )
        leaked
      },
      FALSE
    ),
    `local` = .(async({
      local({
        z <- await(p(1))
      })
      exists("z", inherits = FALSE)
    }), FALSE),
    `return in local` = .(async({
      local({
        return(1)
      })
      2
    }), 2),
    `a lazy return` = .(async({
      await(p(1))
      f <- function(x) x
      f(return("r"))
      2
    }), "r"),
    `break in suppressWarnings` = .(async({
      for (i in 1:5) suppressWarnings(if (i == 3) break)
      i
    }), 3L),
    `do.call(on.exit)` = .(
      {
        ran <- 0
        seen <- settled(async({
          do.call(
            on.exit, list(quote(ran <<- ran + 1)), envir = environment()
          )
          await(p(1))
          ran
        }))
        c(seen, ran)
      },
      c(0, 1)
    ),
    `withr` = .(
      {
        withr::local_options(elsewhere.line = 1)
        inside <- settled(async({
          withr::local_options(elsewhere.line = 2)
          await(p(1))
          getOption("elsewhere.line")
        }))
        c(inside, getOption("elsewhere.line"))
      },
      c(2, 1)
    )
  ))
})

test_that("arguments stay lazy, and functions see how they were called", {
  expect_lines(lines_of(
    `missing and match.arg` = .(
      async(function(x, y, type = c("a", "b")) {
        await(p(1))
        c(missing(y), match.arg(type))
      })(1),
      c("TRUE", "a")
    ),
    `substitute` = .(async({
      f <- function(x) deparse(substitute(x))
      f(await(p(1)))
    }), "await(p(1))"),
    `lazy siblings` = .(async({
      f <- function(a, b) a
      f(await(p(1)), stop("never"))
    }), 1),
    `subset` = .(
      async(subset(data.frame(x = 1:4), x > await(p(2)))$x), 3:4
    ),
    `sys.call` = .(
      {
        f <- async(function(a, b) {
          await(p(1))
          deparse(sys.call())
        })
        f("log", b = 7)
      },
      "f(\"log\", b = 7)"
    ),
    `an empty function` = .(async(function() {})(), NULL),
    `an empty loop` = .(async({
      for (i in 1:3) {
      }
      await(p(1))
      i
    }), 3L)
  ))
})

test_that("loops and switch() are R's", {
  expect_lines(lines_of(
    `no alternative` = .(async({
      x <- switch("zz", a = 1, b = await(p(1)))
      is.null(x)
    }), TRUE),
    `a factor` = .(async({
      seen <- NULL
      for (x in factor(c("u", "v"))) {
        await(p(1))
        seen <- c(seen, x)
      }
      seen
    }), c("u", "v")),
    `a date` = .(async({
      for (x in as.Date("2020-01-01")) await(p(1))
      class(x)
    }), "numeric"),
    `an environment` = .(
      async(tryCatch(
        for (x in new.env()) await(p(1)),
        error = function(e) sub(" .*", "", conditionMessage(e))
      )),
      "invalid"
    ),
    `await(error =)` = .(async(await(promises::promise_reject("x"), 12)), 12),
    `goto` = .(run(switch("a", a = goto("b"), b = 1)), 1),
    `a strict switch` = .(
      class_of_error(run(switch("z", a = goto("b"), b = 1))), "simpleError"
    )
  ))
})

test_that("what cannot be paused is refused when the task is built", {
  refused <- "elsewhere_await_inside_function"
  expect_lines(lines_of(
    `sapply` = .(
      class_of_error(async(sapply(1:2, function(i) await(p(i))))), refused
    ),
    `a function of the body` = .(
      class_of_error(async({
        f <- function() await(p(1))
        f()
      })), refused
    ),
    `purrr` = .(
      class_of_error(async(purrr::map(1:2, ~ await(p(.))))), refused
    ),
    `a default` = .(
      class_of_error(async(function(x = await(p(1))) x)),
      "elsewhere_cannot_pause"
    ),
    `system.time` = .(
      class_of_error(async(system.time(await(p(1))))), "elsewhere_cannot_pause"
    ),
    `split_pipes` = .(
      grepl("split_pipes", tryCatch(
        async(await(p(1)) + 5, split_pipes = FALSE), error = conditionMessage
      )), TRUE
    )
  ))
  expect_error(
    async(sapply(1:2, function(i) await(p(i)))), "async_map", class = refused
  )
})

test_that("depth and length cost nothing", {
  down <- async(function(n) if (n == 0) 0 else 1 + await(down(n - 1)))
  expect_identical(settled(down(1000)), 1000)
  layer <- gen(function(inner) yieldFrom(inner))
  deep <- gen(for (i in 1:3) yield(i))
  for (i in 1:2000) deep <- layer(deep)
  expect_identical(as.list(deep), list(1L, 2L, 3L))
  expect_identical(
    length(settled(gather(stream(for (i in 1:600) yield(i), lazy = FALSE)))),
    600L
  )
  # Frames between the event loop, or who asks, and the body.
  frames <- NULL
  settled(async(for (i in 1:2000) {
    await(i)
    if (i %% 500 == 0) {
      await(p(1))
      calls <- vapply(sys.calls(), function(call) deparse(call)[[1L]], "")
      last <- max(grep("^execCallbacks", calls))
      frames <<- c(frames, length(calls) - last)
    }
  }) |> promises::then(function(v) NULL))
  expect_identical(length(frames), 4L)
  expect_identical(length(unique(frames)), 1L)
  # Three of them are this test's own way of looking.
  expect_lte(frames[[1L]], 11L)
  g <- gen({
    tryCatch(tryCatch(yield(sys.nframe()), error = identity), a = identity)
  })
  here <- (function() sys.nframe())() - 1L
  expect_lte(g() - here, 8L)
})

test_that("a task that is left by a jump, or forgotten, comes to an end", {
  task <- NULL
  withRestarts(
    {
      task <- async({
        await(p(1))
        invokeRestart("out")
      })
      settled(task)
    },
    out = function() NULL
  )
  expect_error(settled(task), "left by a jump")
})

test_that("the features of the async package are there", {
  expect_lines(lines_of(
    `async({})` = .(async({
      1
    }), 1),
    `a rejected one` = .(
      inherits(async(stop("x")) |> promises::catch(~NULL), "promise"), TRUE
    ),
    `its class` = .(class(async(1)), c("async", "promise")),
    `a function` = .(async(function(x) await(x) + 5)(p(1)), 6),
    `a plain value` = .(async(await(5)), 5),
    `gen` = .(nextOr(gen(yield(1)), NULL), 1),
    `gen(function)` = .(nextOr(gen(function(x, y = 2) yield(x + y))(1)), 3),
    `the value of yield` = .(run({
      x <- yield(1)
      x
    }, type = 0), 1),
    `yieldFrom` = .(as.list(gen(yieldFrom(1:3))), list(1L, 2L, 3L)),
    `finished` = .(
      {
        g <- gen(NULL)
        c(nextOr(g, "end"), nextOr(g, "again"))
      },
      c("end", "again")
    ),
    `running` = .(
      {
        g <- gen(yield(nextOr(g)))
        tryCatch(nextOr(g), error = conditionMessage)
      },
      "Generator already running: it cannot ask itself for a value"
    ),
    `stream` = .(gather(stream(for (i in 1:3) yield(i)), 0), c(1, 2, 3)),
    `awaitNext` = .(
      {
        s <- stream(for (i in 1:3) yield(i))
        async({
          total <- 0
          repeat total <- total + awaitNext(s, or = break)
          total
        })
      },
      6
    ),
    `for over a stream` = .(
      {
        s <- stream(for (i in 1:3) yield(i))
        async({
          total <- 0
          for (x in s) total <- total + x
          total
        })
      },
      6
    ),
    `nextOr of a channel` = .(nextOr(channel(function(emit, ...) emit(4))), 4),
    `is.channel` = .(is.channel(stream(yield(1))), TRUE),
    `combine` = .(
      async({
        all <- await(gather(combine(delay(0.01, "p"), stream(yield("s")))))
        sort(unlist(all))
      }),
      c("p", "s")
    ),
    `partial results` = .(
      attr(tryCatch(
        settled(gather(stream({
          yield(1)
          stop("x")
        }))),
        error = identity
      ), "partialResults"),
      list(1)
    ),
    `collect` = .(collect(\(emit) emit(1), 0), 1),
    `run` = .(run(for (i in 1:3) yield(i), type = 0L), 1:3),
    `delay` = .(async(await(delay(0.01, "v"))), "v"),
    `pausables` = .(length(pausables()) >= 23L, TRUE),
    `tryCatch(error = return())` = .(async({
      tryCatch(await(promises::promise_reject("z")), error = return(5))
      6
    }), 5),
    `on.exit(return())` = .(async({
      on.exit(return("o"))
      await(p(1))
    }), "o"),
    `on.exit that waits` = .(
      {
        said <- NULL
        settled(async({
          on.exit(said <<- await(p("waited")))
          1
        }))
        said
      },
      "waited"
    ),
    `nextOr(break)` = .(
      {
        g <- gen(for (i in 1:2) yield(i))
        run(repeat yield(nextOr(g, break)), type = 0L)
      },
      1:2
    ),
    `quote` = .(async({
      quote(await(x))
    }), quote(await(x))),
    `compileLevel` = .(as.list(gen(yield(1), compileLevel = -1)), list(1)),
    `debugAsync` = .(
      names(debugAsync(gen(yield(1)), R = FALSE)), c("R", "internal", "trace")
    ),
    `summary` = .(summary(gen(yield(1)))$state, "yielded"),
    `unattached` = .(
      eval(quote(as.list(elsewhere::gen(elsewhere::yield(1)))), baseenv()),
      list(1)
    )
  ))
})

test_that("what is worth taking from coro is there", {
  expect_lines(lines_of(
    `sent values` = .(
      {
        g <- gen({
          got <- yield(1)
          yield(got * 2)
        })
        c(g(), g(send = 21))
      },
      c(1, 42)
    ),
    `what is sent is evaluated inside` = .(
      {
        g <- gen(tryCatch(
          yield(1), error = function(e) yield(conditionMessage(e))
        ))
        g()
        g(send = stop("in"))
      },
      "in"
    ),
    `close` = .(
      {
        said <- NULL
        g <- gen(tryCatch(repeat yield(1), finally = said <- "closed"))
        g()
        close(g)
        nextOr(g, "end")
      },
      "end"
    ),
    `a loop closes what it goes through` = .(
      {
        said <- NULL
        settled(async({
          for (x in gen({
            on.exit(said <<- "closed")
            repeat yield(1)
          })) break
        }))
        said
      },
      "closed"
    )
  ))
})

test_that("what users ask for is there", {
  expect_lines(lines_of(
    `cancel` = .(
      {
        said <- NULL
        task <- async(tryCatch(await(delay(100)), finally = said <<- "finally"))
        cancel(task, reason = "enough")
        c(class_of_error(settled(task)), said)
      },
      c("cancelled", "finally")
    ),
    `with_timeout` = .(
      class_of_error(settled(with_timeout(delay(100), 0.01))), "timeout"
    ),
    `task_group` = .(
      task_group(async(function(tg) {
        a <- tg$start(p(1))
        b <- tg$start(p(2))
        await(a) + await(b)
      })),
      3
    ),
    `async_map` = .(
      async_map(1:4, function(i) await(p(i * 2)), concurrency = 2),
      list(2, 4, 6, 8)
    ),
    `wait_for` = .(wait_for(async(await(p(3)))), 3),
    `errors before the first await` = .(
      class_of_error(settled(async(function() stop("e"))())), "simpleError"
    ),
    `interval` = .(
      {
        ticks <- 0
        settled(async(for (tick in interval(0.001)) {
          ticks <- ticks + 1
          if (ticks == 3) break
        }))
        "ended"
      },
      "ended"
    )
  ))
})
