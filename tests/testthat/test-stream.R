test_that("a for loop in a task takes all values of a stream", {
  numbers <- stream(for (i in 1:3) {
    await(soon(0))
    yield(i)
  })
  expect_equal(settled(async({
    out <- c()
    for (n in numbers) out <- c(out, n)
    out
  })), 1:3)
})

test_that("a lazy stream runs on demand only, an eager one runs ahead", {
  ran <- c()
  lazy <- stream({
    ran <<- c(ran, "lazy")
    yield(1)
  })
  eager <- stream(lazy = FALSE, {
    ran <<- c(ran, "eager")
    yield(1)
    yield(2)
    ran <<- c(ran, "end")
  })
  while (!later::loop_empty()) later::run_now()
  expect_equal(ran, c("eager", "end"))
  expect_equal(settled(nextOr(lazy)), 1)
  expect_equal(ran, c("eager", "end", "lazy"))
  expect_equal(settled(gather(eager, type = 0)), c(1, 2))
})

test_that("an eager stream waits when its queue is full", {
  eager <- stream(lazy = FALSE, for (i in 1:2000) yield(i))
  expect_equal(settled(gather(eager, type = 0L)), 1:2000)
})

test_that("awaitNext gives values, then `or`", {
  numbers <- stream({
    yield(1)
    yield(2)
  })
  expect_equal(settled(async({
    list(
      awaitNext(numbers), awaitNext(numbers), awaitNext(numbers, or = "end")
    )
  })), list(1, 2, "end"))
  expect_error(settled(async(awaitNext(stream(NULL)))), "StopIteration")
  expect_equal(settled(async({
    count <- 0
    ch <- stream(for (i in 1:4) yield(i))
    repeat count <- count + awaitNext(ch, or = break)
    count
  })), 10)
  expect_equal(settled(async(
    awaitNext(stream(stop("bad")), err = function(e) conditionMessage(e))
  )), "bad")
})

test_that("streams go through streams, and a pipeline runs", {
  count_to <- stream(function(n) {
    for (i in 1:n) {
      await(soon(0))
      yield(i)
    }
  })
  accumulate <- stream(function(st, sum = 0) {
    for (i in st) {
      sum <- sum + i
      yield(sum)
    }
  })
  all <- async(function(st) {
    out <- c()
    for (i in st) out <- c(out, i)
    out
  })
  expect_equal(
    settled(count_to(10) |> accumulate() |> all()), cumsum(1:10)
  )
  expect_equal(
    settled(gather(stream(yieldFrom(count_to(3))), type = 0L)), 1:3
  )
})

test_that("an error ends a stream and carries the partial results", {
  broken <- stream({
    yield(1)
    stop("broken")
  })
  error <- tryCatch(settled(gather(broken)), error = identity)
  expect_equal(conditionMessage(error), "broken")
  expect_equal(attr(error, "partialResults"), list(1))
})

test_that("a channel made by hand queues, refuses too much, and closes", {
  emitter <- NULL
  ch <- channel(function(emit, reject, close) {
    emitter <<- list(emit = emit, reject = reject, close = close)
  }, max_queue = 2)
  expect_true(is.channel(ch))
  expect_true(promises::is.promise(emitter$emit(1)))
  emitter$emit(2)
  expect_error(emitter$emit(3), "Outgoing queue is full!")
  first <- nextOr(ch)
  expect_equal(settled(first), 1)
  emitter$close()
  expect_error(emitter$emit(4), class = "elsewhere_closed")
  expect_equal(settled(nextOr(ch)), 2)
  expect_error(settled(nextOr(ch)), "StopIteration")
})

test_that("the first listener gets the error, the others the end", {
  emitter <- NULL
  ch <- channel(function(emit, reject, close) emitter <<- reject)
  heard <- character()
  for (name in c("a", "b")) {
    local({
      who <- name
      nextThen(ch, identity,
        function(e) heard <<- c(heard, paste(who, "error")),
        function() heard <<- c(heard, paste(who, "close"))
      )
    })
  }
  emitter("bad")
  while (!later::loop_empty()) later::run_now()
  expect_equal(heard, c("a error", "b close"))
})

test_that("emit() can be awaited until there is room", {
  emitter <- NULL
  ch <- channel(function(emit, reject, close) emitter <<- emit, max_queue = 1)
  sent <- 0
  producer <- async(for (i in 1:3) {
    await(emitter(i))
    sent <- sent + 1
  })
  expect_equal(settled(async({
    c(awaitNext(ch), awaitNext(ch), awaitNext(ch))
  })), c(1, 2, 3))
})

test_that("combine gives values as they come", {
  late <- pending_promise()
  both <- combine(late, stream(for (i in 1:2) yield(i)))
  expect_equal(settled(nextOr(both)), 1L)
  expect_equal(settled(nextOr(both)), 2L)
  promise_resolve_native(late, "late")
  expect_equal(settled(gather(both)), list("late"))
})

test_that("collect keeps names and types", {
  expect_equal(collect(type = 0, function(emit) {
    emit(1, "a")
    emit(2)
  }), c(a = 1, 2))
})

test_that("run collects in the calling environment", {
  expect_equal(run(for (i in 1:3) yield(i), type = 0L), 1:3)
  expect_equal(i, 3L)
  expect_equal(run({
    x <- 5
    x + 1
  }), 6)
  expect_equal(x, 5)
  expect_equal(run({
    x <- yield(1)
    x
  }, type = 0), 1)
})

test_that("coro's generators and async generators can be gone through", {
  skip_if_not_installed("coro")
  plain <- coro::generator(function() for (i in 1:3) coro::yield(i))
  expect_equal(as.list(gen(for (x in plain()) yield(x))), list(1L, 2L, 3L))
  slow <- coro::async_generator(function() {
    for (i in 1:2) {
      coro::await(coro::async_sleep(0))
      coro::yield(i)
    }
  })
  expect_equal(settled(async({
    out <- c()
    for (x in slow()) out <- c(out, x)
    out
  })), 1:2)
})

test_that("collect() of a channel or a generator says what to call instead", {
  expect_error(
    collect(stream(yield(1))), "gather\\(\\)", class = "elsewhere_bad_argument"
  )
  expect_error(
    collect(gen(yield(1))), "as.list\\(\\)", class = "elsewhere_bad_argument"
  )
})
