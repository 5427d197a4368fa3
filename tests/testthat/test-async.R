test_that("a task runs at once up to its first await", {
  seen <- character()
  task <- async({
    seen <<- c(seen, "before")
    await(soon(1))
    seen <<- c(seen, "after")
  })
  expect_equal(seen, "before")
  settled(task)
  expect_equal(seen, c("before", "after"))
})

test_that("a task is a promise of its value", {
  task <- async(1 + await(soon(2)))
  expect_s3_class(task, c("async", "promise"), exact = TRUE)
  expect_true(promises::is.promise(task))
  expect_equal(settled(task), 3)
  expect_equal(settled(promises::then(async(2), \(x) x * 2)), 4)
})

test_that("an error rejects the promise and is never thrown", {
  expect_error(settled(async(stop("no"))), "no")
  expect_error(settled(async({
    await(soon(1))
    stop("late")
  })), "late")
})

test_that("await gives plain values back and waits for foreign promises", {
  expect_equal(settled(async(await(5))), 5)
  expect_null(settled(async(await(NULL))))
  expect_equal(settled(async(await(mtcars))), mtcars)
  expect_equal(settled(async(await(promises::promise_resolve(12)))), 12)
  expect_error(settled(async(await(promises::promise_reject("r")))), "r")
})

test_that("await stands in any argument of an ordinary call", {
  expect_equal(settled(async(sum(1, await(soon(2))))), 3)
  expect_equal(settled(async(list(a = await(soon(1))))), list(a = 1))
  expect_equal(settled(async(await(soon(1)) + await(soon(2)))), 3)
  expect_equal(
    settled(async(paste("a", "b", sep = await(soon("-"))))), "a-b"
  )
  expect_equal(settled(async((1:9)[[await(soon(3))]])), 3L)
  expect_equal(settled(async({
    f <- function(v) v * 2
    f(await(soon(4)))
  })), 8)
  expect_equal(settled(async(await(soon(sum))(1, 2))), 3)
  expect_equal(settled(async(await(delay(0, 3:1)) |> sort())), 1:3)
})

test_that("arguments that do not pause stay lazy, and substitute() sees code", {
  out <- settled(async({
    f <- function(a, b) substitute(a)
    f(await(soon(1)), stop("never evaluated"))
  }))
  expect_identical(out, quote(await(soon(1))))
  expect_equal(
    settled(async(subset(data.frame(x = 1:3), x > await(soon(2)))))$x, 3L
  )
})

test_that("await stands in conditions, loops and assignments", {
  expect_equal(settled(async(if (await(soon(TRUE))) "yes" else "no")), "yes")
  expect_equal(settled(async({
    i <- 0
    while (i < await(soon(3))) i <- i + 1
    i
  })), 3)
  expect_equal(settled(async({
    out <- c()
    for (i in await(soon(1:5))) {
      if (i == 2) next
      if (await(soon(i)) == 4) break
      out <- c(out, i)
    }
    out
  })), c(1, 3))
  expect_equal(settled(async({
    x <- list(a = 1)
    x$a[[await(soon(2))]] <- await(soon(5))
    names(x) <- await(soon("b"))
    z = await(soon(1))
    list(x, z)
  })), list(list(b = c(1, 5)), 1))
})

test_that("tryCatch with any class, handlers that wait, and finally", {
  expect_equal(settled(async(tryCatch(
    {
      await(soon(1))
      stop("x")
    },
    error = function(e) await(soon(paste("caught", conditionMessage(e)))),
    finally = await(soon(1))
  ))), "caught x")
  expect_equal(settled(async(tryCatch(
    {
      await(soon(1))
      signalCondition(structure(
        class = c("special", "condition"), list(message = "m", call = NULL)
      ))
    },
    special = function(c) "special"
  ))), "special")
  expect_equal(settled(async(await(promises::promise_reject("x"), 12))), 12)
  expect_equal(settled(async(await(soon(3), error = 12))), 3)
})

test_that("calling handlers outlast a pause", {
  calls <- 0
  out <- settled(async(withCallingHandlers(
    {
      await(soon(1))
      warning("w")
      "value"
    },
    warning = function(w) {
      calls <<- calls + 1
      invokeRestart("muffleWarning")
    }
  )))
  expect_equal(out, "value")
  expect_equal(calls, 1)
  expect_no_warning(settled(async(suppressWarnings({
    await(soon(1))
    as.integer("x")
  }))))
})

test_that("local() has a scope and a return of its own", {
  expect_equal(settled(async({
    value <- local({
      inner <- await(soon(1))
      return(inner + 1)
    })
    list(value, exists("inner", inherits = FALSE))
  })), list(2, FALSE))
})

test_that("an async function keeps match.arg, missing, sys.call and dots", {
  f <- async(function(x, y = c("aa", "bb"), z) {
    y <- match.arg(y)
    call <- sys.call()
    await(soon(1))
    list(x, y, missing(z), call)
  })
  expect_equal(settled(f(3)), list(3, "aa", TRUE, quote(f(3))))
  g <- async(function(...) {
    await(soon(1))
    list(..2, ...length())
  })
  expect_equal(settled(g(1, "b")), list("b", 2L))
})

test_that("on.exit runs once, at the end", {
  seen <- character()
  settled(async({
    on.exit(seen <<- c(seen, "exit"))
    await(soon(1))
    seen <<- c(seen, "after")
  }))
  expect_equal(seen, c("after", "exit"))
})

test_that("tasks await each other a thousand deep", {
  count <- async(function(n) if (n <= 0) 0 else 1 + await(count(n - 1)))
  expect_equal(settled(count(1000)), 1000)
})

test_that("await outside a task says what to do", {
  expect_error(await(1), class = "elsewhere_await_outside")
  expect_error(await(1), "async(function(...) ...)", fixed = TRUE)
})

test_that("watchers of their argument are refused when the task is built", {
  expect_error(
    async(system.time(await(soon(1)))),
    class = "elsewhere_cannot_pause"
  )
})

test_that("the documented example of trace prints its steps", {
  out <- capture.output(
    async(for (i in 1:2) {
      cat(i, "\n")
    }, trace = with_prefix("myAsync"))
  )
  expect_equal(out[[1]], "myAsync: pump: run")
  expect_true("1 " %in% out)
  expect_true("myAsync: async: return (resolving)" %in% out)
})

test_that("trace = has the words of the async package, in its order", {
  heard <- character()
  told <- function(line) heard <<- c(heard, line)
  invisible(settled(async(
    {
      x <- await(soon(4))
      repeat if (x > 3 || await(soon(TRUE))) break
      for (i in 1) await(soon(i))
    },
    trace = told
  )))
  expect_identical(heard, paste0(c(
    "pump: run", "R: x", "R: soon(4)", "await: registered", "pump: pause",
    "await: success", "pump: run", "R: x > 3", "||: TRUE (skip)", "if: TRUE",
    "repeat: break", "R: 1", "for i: do", "R: soon(i)", "await: registered",
    "pump: pause", "await: success", "pump: run", "for i: finished",
    "pump: return", "async: return (resolving)", "pump: finish"
  ), "\n"))
})

test_that("a pause in a nested function is refused when the task is built", {
  expect_error(
    async(sapply(1:3, function(i) await(i))),
    class = "elsewhere_await_inside_function"
  )
  expect_error(async(sapply(1:3, function(i) await(i))), "async_map")
  expect_error(
    async({
      f <- function(x) await(x)
      f(1)
    }),
    class = "elsewhere_await_inside_function"
  )
  expect_equal(settled(async({
    f <- async(function(x) await(x))
    await(f(soon(2)))
  })), 2)
})

test_that("an error in the body itself has no call of the evaluator", {
  error <- tryCatch(settled(async(stop("x"))), error = identity)
  expect_null(conditionCall(error))
  f <- async(function(n) {
    await(soon(1))
    stop("x")
  })
  error <- tryCatch(settled(f(3)), error = identity)
  expect_equal(conditionCall(error), quote(f(3)))
})

test_that("a handler may wait where the guarded code itself does not", {
  expect_equal(settled(async(
    tryCatch(stop("x"), error = function(e) await(soon(8)))
  )), 8)
})

test_that("await stands in a magrittr pipe", {
  skip_if_not_installed("magrittr")
  `%>%` <- magrittr::`%>%`
  expect_equal(settled(async(delay(0, 3:1) %>% await() %>% sort())), 1:3)
})

test_that("a promise of another package that a task returns settles it", {
  expect_equal(settled(async(promises::promise_resolve(5))), 5)
  expect_error(settled(async(promises::promise_reject("no"))), "no")
  chained <- soon(4)$then(function(v) promises::promise_resolve(v + 1))
  expect_equal(settled(chained), 5)
})

test_that("cancelling a task whose value is a promise cancels that", {
  inner <- delay(100)
  outer <- async(inner)
  promises::catch(outer, function(e) NULL)
  cancel(outer)
  expect_error(settled(inner), class = "cancelled")
  expect_error(settled(outer), class = "cancelled")
})

test_that("what looks behind a promise finds its state there", {
  promise <- soon(1)
  behind <- attr(promise, "promise_impl", exact = TRUE)
  expect_identical(behind$status(), "pending")
  settled(promise)
  expect_identical(behind$status(), "fulfilled")
  expect_identical(behind$format(), "<Promise [fulfilled: numeric]>")
})

test_that("coro's tasks can await ours, and ours coro's", {
  skip_if_not_installed("coro")
  theirs <- coro::async(function(x) {
    y <- await(x)
    y + 1
  })
  expect_equal(settled(theirs(soon(1))), 2)
  expect_equal(settled(async(await(theirs(soon(2))))), 3)
})

test_that("split_pipes has async's defaults, and is strict if FALSE is said", {
  defaults <- vapply(
    list(async = async, gen = gen, stream = stream, run = run),
    function(f) formals(f)$split_pipes, NA
  )
  expect_identical(
    defaults, c(async = TRUE, gen = FALSE, stream = TRUE, run = FALSE)
  )
  makeRequest <- function() delay(0, c(3, 1, 2))
  expect_identical(
    settled(async(makeRequest() |> await() |> sort())), c(1, 2, 3)
  )
  expect_identical(as.list(gen(sum(1, yield(2)) |> yield())), list(2, 3))
  expect_identical(run(sum(1, yield(2)) |> yield(), type = 0), c(2, 3))
  for (refused in list(
    quote(async(await(soon(1)) + 5, split_pipes = FALSE)),
    quote(gen(rnorm(1) + yield(5), split_pipes = FALSE)),
    quote(run(rnorm(1) + yield(5), split_pipes = FALSE))
  )) {
    expect_error(eval(refused), "split_pipes", class = "elsewhere_cannot_pause")
  }
})

test_that("a task that awaits itself fails, and does not wait for ever", {
  task <- NULL
  task <- async({
    await(soon(1))
    await(task)
  })
  expect_error(settled(task), "cannot wait for itself")
})

test_that("an interrupt ends wait_for(), and the task goes on", {
  session <- local_session()
  session$call(function() {
    library(elsewhere)
    task <- async({
      await(delay(0.5))
      "went on"
    })
    c(
      tryCatch(
        wait_for(async({
          cat("waiting\n")
          await(delay(1000))
        })),
        interrupt = function(e) "interrupted"
      ),
      wait_for(task)
    )
  })
  wait_for_output(session, "waiting")
  session$interrupt()
  expect_identical(next_event(session)$result, c("interrupted", "went on"))
})

test_that("what the last call gives invisibly is invisible, as in a function", {
  quiet <- function(x) invisible(x)
  loud <- function(x) {
    invisible(x)
    x
  }
  is_visible <- function(promise) withVisible(wait_for(promise))$visible
  expect_false(is_visible(async(quiet(1))))
  expect_true(is_visible(async(loud(1))))
  expect_false(is_visible(async({
    await(delay(0))
    quiet(1)
  })))
  expect_false(is_visible(async(if (await(delay(0, TRUE))) quiet(1) else 2)))
  expect_true(is_visible(async(if (await(delay(0, FALSE))) quiet(1) else 2)))
  expect_false(is_visible(async({
    tryCatch({
      await(delay(0))
      return(quiet(1))
    }, error = identity)
    3
  })))
  expect_false(is_visible(async(function(x) quiet(x))(1)))
  expect_true(is_visible(async(function(x) loud(x))(1)))
  expect_true(is_visible(async(await(async(1)) + 1)))
  expect_false(withVisible(run(quiet(1)))$visible)
  expect_true(withVisible(run(loud(1)))$visible)
  expect_identical(wait_for(async(quiet(NULL))), NULL)
})

test_that("the last call is evaluated as it would be by R", {
  f <- async(function(x) {
    await(delay(0))
    g(x)
  })
  g <- function(y) list(sys.call(), substitute(y), environmentName(topenv()))
  expect_identical(wait_for(f(3))[1:2], list(quote(g(x)), quote(x)))
  failing <- function() stop("why")
  error <- tryCatch(wait_for(async(failing())), error = identity)
  expect_identical(conditionCall(error), quote(failing()))
  withVisible <- function(x) "not R's"
  expect_identical(wait_for(async(g(1)))[[1L]], quote(g(1)))
  told <- wait_for(async(g(withVisible(2))))
  expect_identical(told[[2L]], quote(withVisible(2)))
})
