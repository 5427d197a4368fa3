test_that("cancel raises `cancelled` where the task waits, and cleans up", {
  seen <- character()
  task <- async({
    on.exit(seen <<- c(seen, "exit"))
    tryCatch(
      await(delay(10)),
      cancelled = function(e) {
        seen <<- c(seen, conditionMessage(e))
        stop(e)
      },
      finally = {
        await(soon(1))
        seen <<- c(seen, "finally")
      }
    )
  })
  expect_true(cancel(task, reason = "enough"))
  expect_error(settled(task), class = "cancelled")
  expect_equal(seen, c("The task was cancelled: enough", "finally", "exit"))
  expect_false(cancel(task))
})

test_that("what only the cancelled task awaited is cancelled too", {
  inner <- async(await(delay(10)))
  outer <- async(await(inner))
  cancel(outer)
  expect_error(settled(outer), class = "cancelled")
  expect_error(settled(inner), class = "cancelled")
  shared <- delay(0.05, "shared")
  one <- async(await(shared))
  two <- async(await(shared))
  cancel(one)
  expect_error(settled(one), class = "cancelled")
  expect_equal(settled(two), "shared")
})

test_that("a task may survive its cancellation, and wait for other things", {
  task <- async(tryCatch(
    await(delay(0.05, "first")),
    cancelled = function(e) await(delay(0.1, "second"))
  ))
  cancel(task)
  expect_equal(settled(task), "second")
})

test_that("with_timeout cancels what is late and lets through what is not", {
  expect_error(settled(with_timeout(delay(10), 0.02)), class = "timeout")
  expect_equal(settled(with_timeout(delay(0, 1), 60)), 1)
  expect_equal(settled(with_timeout(4, 60)), 4)
  late <- async(await(delay(10)))
  expect_error(settled(with_timeout(late, 0.02)), class = "timeout")
  expect_error(settled(late), class = "cancelled")
})

test_that("wait_for blocks until the value is there", {
  expect_equal(wait_for(async(await(soon(1)) + 1)), 2)
  expect_error(wait_for(async(stop("no"))), "no")
  expect_error(wait_for(delay(10), 0.02), class = "timeout")
  expect_equal(wait_for(async(wait_for(delay(0, 3)))), 3)
})

test_that("a group joins its tasks, and one failure cancels the rest", {
  finished <- character()
  group <- task_group(function(tg) {
    tg$start(async({
      await(delay(0.03))
      finished <<- c(finished, "child")
    }))
    "value"
  })
  expect_equal(settled(group), "value")
  expect_equal(finished, "child")
  sibling <- NULL
  group <- task_group(function(tg) {
    sibling <<- tg$start(async(await(delay(10))))
    tg$start(async({
      await(soon(1))
      stop("first failure")
    }))
    NULL
  })
  expect_error(settled(group), "first failure")
  expect_error(settled(sibling), class = "cancelled")
})

test_that("a function that pauses need not be async() for async_map()", {
  expect_equal(
    settled(async_map(1:3, function(i) await(delay(0, i)) + 1)), list(2, 3, 4)
  )
  expect_equal(settled(async({
    sum(unlist(await(async_map(1:3, function(i) await(delay(0, i))))))
  })), 6)
  expect_equal(settled(task_group(function(tg) {
    first <- tg$start(delay(0, 20))
    await(first) + 1
  })), 21)
})

test_that("async_map keeps order and names and bounds concurrency", {
  running <- 0
  most <- 0
  f <- async(function(i) {
    running <<- running + 1
    most <<- max(most, running)
    await(delay(0.002 * (5 - i)))
    running <<- running - 1
    i * 10
  })
  expect_equal(
    settled(async_map(c(a = 1, b = 2, c = 3, d = 4), f, concurrency = 2)),
    list(a = 10, b = 20, c = 30, d = 40)
  )
  expect_equal(most, 2)
  expect_equal(settled(async_map(list(), f)), list())
  expect_error(
    settled(async_map(1:3, async(function(i) stop("bad ", i)))), "bad 1"
  )
  expect_error(
    async_map(1, f, concurrency = 0), class = "elsewhere_bad_argument"
  )
})

test_that("a semaphore lets n through, in order", {
  gate <- semaphore(1)
  order <- c()
  one <- async(function(i) {
    await(gate$acquire())
    on.exit(gate$release())
    await(soon(1))
    order <<- c(order, i)
  })
  settled(promises::promise_all(one(1), one(2), one(3)))
  expect_equal(order, 1:3)
})

test_that("interval counts, and closing a generator runs its cleanup", {
  expect_equal(settled(async({
    last <- 0
    for (i in interval(0.001)) {
      last <- i
      if (i == 3) break
    }
    last
  })), 3)
  seen <- character()
  g <- gen({
    on.exit(seen <<- c(seen, "exit"))
    tryCatch(repeat yield(1), finally = seen <<- c(seen, "finally"))
  })
  nextOr(g)
  close(g)
  expect_equal(seen, c("finally", "exit"))
  expect_equal(nextOr(g, "end"), "end")
})
