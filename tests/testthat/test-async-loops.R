# Loops in which nothing pauses, and R's byte code for them (hot_loops.h).

local_hot_loops <- function(rounds, env = parent.frame()) {
  local_loop_rounds(env)
  compile_loops_after(rounds)
}

# How each loop of the body is kept: "NULL" as written, "bytecode", or "logical"
# where it may not be compiled.
loop_codes <- function(coroutine_function) {
  program <- body(coroutine_function)[[2L]]
  sites <- Filter(
    function(one) is.list(one) && length(one) == 3L && is.call(one[[1L]]),
    program[[2L]]
  )
  vapply(sites, function(site) typeof(site[[2L]]), "")
}

test_that("a loop that runs often enough becomes byte code", {
  local_hot_loops(100L)
  loops <- async(function(n) {
    x <- 0
    for (i in seq_len(n)) x <- x + i
    while (x > 0) x <- x - n
    repeat {
      x <- x + 1
      if (x > n) break
    }
    x
  })
  expect_identical(wait_for(loops(10)), 11)
  expect_identical(loop_codes(loops), rep("NULL", 3L))
  expect_identical(wait_for(loops(1000)), 1001)
  expect_identical(loop_codes(loops), rep("bytecode", 3L))
  expect_identical(wait_for(loops(10)), 11)
})

test_that("loops in which R can see how they run stay as they are", {
  local_hot_loops(0L)
  watched <- async(function() {
    for (i in 1:3) local(i)
    while (i > 0) {
      i <- i - 1
      if (FALSE) browser()
    }
    for (k in 1:3) identity(if (k == 2) break)
    c(i, k)
  })
  expect_identical(wait_for(watched()), c(0, 2))
  expect_false("bytecode" %in% loop_codes(watched))
})

test_that("a compiled loop does what the loop says", {
  local_hot_loops(0L)
  run_both <- function(body) {
    plain <- eval(call("function", NULL, body))
    task <- eval(call("async", call("function", NULL, body)))
    expect_identical(wait_for(task()), plain(), info = deparse(body))
  }
  for (body in expression(
    {
      c <- function(...) "mine"
      out <- list()
      for (i in 1:3) out[[i]] <- c(i)
      out
    },
    {
      out <- NULL
      for (i in factor(c("u", "v"))) out <- c(out, i)
      list(out, i)
    },
    {
      i <- "before"
      for (i in NULL) stop("never")
      i
    },
    {
      x <- 1:3
      for (v in x) {
        x[v] <- 0L
        if (v == 2L) next
      }
      list(x, v)
    },
    {
      made <- list()
      for (i in 1:2) made[[i]] <- local({
        k <- i
        function() k
      })
      vapply(made, function(f) f(), 1L)
    },
    {
      total <- 0
      for (i in 1:3) for (j in seq_len(i)) {
        if (j == 2) break
        total <- total + i * j
      }
      total
    },
    {
      k <- 0
      while ({
        k <- k + 1
        if (k > 5) break
        TRUE
      }) NULL
      k
    },
    invisible(for (i in 1:2) i),
    {
      f <- function() {
        total <<- total + 1
      }
      total <- 0
      repeat {
        f()
        if (total >= 3) break
      }
      total
    }
  )) {
    run_both(body)
  }
})

test_that("a name that the body assigns later is not taken for base R's", {
  local_hot_loops(0L)
  task <- async(function() {
    out <- character()
    for (round in 1:2) {
      await(soon(1))
      for (i in 1:2) out <- append_one(out, c("a", "b")[i])
      c <- function(...) list("x", "y")
    }
    unlist(out)
  })
  environment(task)$append_one <- function(out, one) base::c(out, one)
  expect_identical(wait_for(task()), c("a", "b", "x", "y"))
})

test_that("an error in a compiled loop is caught, with its call", {
  local_hot_loops(0L)
  task <- async(tryCatch(
    {
      await(soon(1))
      for (i in 1:3) if (i == 2) stop("two") else log(i)
    },
    error = identity,
    finally = await(soon(1))
  ))
  error <- wait_for(task)
  expect_identical(conditionMessage(error), "two")
  expect_identical(
    conditionCall(error),
    quote(doTryCatch(return(expr), name, parentenv, handler))
  )
  negative <- async(for (i in c(1, -1)) withCallingHandlers(
    log(i),
    warning = function(w) stop(conditionMessage(w))
  ))
  expect_error(wait_for(negative), "NaN")
})

test_that("where R's compiler is off, loops are not compiled either", {
  local_hot_loops(0L)
  level <- compiler::enableJIT(2L)
  withr::defer(compiler::enableJIT(level))
  loops <- async(function() for (i in 1:10) i)
  wait_for(loops())
  expect_identical(loop_codes(loops), "logical")
})

test_that("an interrupt ends a compiled loop", {
  for (loop in c(
    "while (TRUE) x <- x + 1", "repeat x <- x + 1",
    "for (i in 1:2000000000) x <- x + 1"
  )) {
    session <- local_session()
    session$run(function() library(elsewhere))
    session$call(
      function(loop) {
        body <- str2lang(paste("{x <- 0; cat('begun\\n');", loop, "}"))
        tryCatch(
          elsewhere::wait_for(eval(call("async", body))),
          interrupt = function(e) "interrupted"
        )
      },
      list(loop)
    )
    wait_for_output(session, "begun")
    session$interrupt()
    expect_identical(next_event(session)$result, "interrupted", info = loop)
  }
})
