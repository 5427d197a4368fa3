# Where the code of a task runs: which event loop, which promise domain.

# A domain that notes `name` in `current` while a wrapped callback runs.
domain_of <- function(name, current) {
  wrap <- function(callback) {
    force(callback)
    function(...) {
      before <- current$name
      current$name <- name
      on.exit(current$name <- before)
      callback(...)
    }
  }
  promises::new_promise_domain(
    wrapOnFulfilled = wrap, wrapOnRejected = wrap,
    wrapSync = function(expr) wrap(function() expr)()
  )
}

new_current <- function() {
  current <- new.env()
  current$name <- "none"
  current
}

test_that("each stretch of a task runs in the domain it was started in", {
  current <- new_current()
  places <- async(function() {
    seen <- current$name
    await(delay(0))
    seen <- c(seen, current$name)
    await(promises::promise_resolve(1))
    seen <- c(seen, current$name)
    await(async(await(delay(0))))
    seen <- c(seen, current$name)
    tryCatch(
      await(promises::promise_reject("no")),
      error = function(e) seen <<- c(seen, current$name)
    )
    await(async_map(1:3, async(function(i) {
      seen <<- c(seen, current$name)
      await(delay(0))
      seen <<- c(seen, current$name)
    }), concurrency = 1))
    c(seen, current$name)
  })
  one <- promises::with_promise_domain(domain_of("one", current), places())
  two <- promises::with_promise_domain(domain_of("two", current), places())
  free <- places()
  expect_identical(unique(settled(one)), "one")
  expect_identical(unique(settled(two)), "two")
  expect_identical(unique(settled(free)), "none")
  expect_identical(current$name, "none")
})

test_that("a stream's code runs where it was made, not where it is read", {
  current <- new_current()
  numbers <- promises::with_promise_domain(domain_of("maker", current), stream({
    yield(current$name)
    await(delay(0))
    yield(current$name)
  }))
  seen <- promises::with_promise_domain(domain_of("reader", current), async({
    seen <- NULL
    for (name in numbers) seen <- c(seen, name, current$name)
    seen
  }))
  expect_identical(settled(seen), rep(c("maker", "reader"), 2))
})

test_that("callbacks of a channel and code of delay() keep their domain", {
  current <- new_current()
  seen <- NULL
  promises::with_promise_domain(domain_of("one", current), {
    subscribe(stream(yield(1)), function(value) seen <<- c(seen, current$name))
    late <- delay(0, current$name)
  })
  expect_identical(settled(late), "one")
  expect_true(soon_true(function() length(seen) == 1L))
  expect_identical(seen, "one")
})

test_that("the code of other tasks never runs in a domain that waits", {
  is_free <- function() is.null(current_domain())
  other <- async({
    await(delay(0))
    is_free()
  })
  was_free <- NULL
  task <- async(tryCatch(await(delay(100)), finally = was_free <<- is_free()))
  callback <- NULL
  promises::then(other, function(value) callback <<- is_free())
  domain <- domain_of("waits", new_current())
  promises::with_promise_domain(domain, {
    expect_true(wait_for(other, 10))
    expect_true(callback)
    # cancel() runs the code of the task at once.
    cancel(task)
    expect_false(is_free())
  })
  expect_true(was_free)
})

test_that("a domain that fails fails the task, not the loop", {
  broken <- promises::new_promise_domain(
    wrapOnFulfilled = function(callback) function(...) stop("no context")
  )
  task <- promises::with_promise_domain(broken, async({
    caught <- tryCatch(await(delay(0)), error = conditionMessage)
    c(caught, "and on")
  }))
  expect_identical(settled(task), c("no context", "and on"))
  broken <- promises::new_promise_domain(
    wrapOnFulfilled = function(callback) stop("no wrapper")
  )
  task <- promises::with_promise_domain(broken, async(await(delay(0))))
  expect_error(settled(task), "no wrapper")
})

test_that("tasks of a private loop that is gone stop nobody else", {
  later::with_temp_loop({
    async(await(async(1)))
    async(await(delay(0)))
  })
  expect_identical(settled(async(await(delay(0, 5)))), 5)
})

test_that("a private loop runs its own tasks alone", {
  ran <- NULL
  outer <- async({
    await(async(1))
    ran <- "outer"
  })
  later::with_temp_loop({
    expect_identical(wait_for(async(await(delay(0, 7))), 10), 7)
    expect_null(ran)
    expect_identical(promise_status(outer), "pending")
  })
  expect_identical(settled(outer), "outer")
})

test_that("a task outlives its private loop if what it waits for does", {
  gate <- pending_promise()
  later::with_temp_loop(task <- async(await(gate)))
  promise_resolve_native(gate, "in")
  expect_identical(settled(task), "in")
})

test_that("a future can be awaited in a private loop", {
  local_plan(multisession, workers = 2)
  gate <- withr::local_tempfile()
  f <- future({
    while (!file.exists(gate)) Sys.sleep(0.01)
    8
  })
  outer <- promises::as.promise(f)
  later::with_temp_loop({
    task <- async(await(f))
    later::later(function() file.create(gate), 0.05)
    expect_identical(wait_for(task, 10), 8)
    expect_identical(wait_for(async(await(future(9))), 10), 9)
  })
  # Two promises of one future both hear of it.
  expect_identical(settled(outer), 8)
})

test_that("a task may run the event loop while others are due", {
  first <- async({
    await(async(1))
    wait_for(second, 10)
  })
  second <- async({
    await(async(1))
    2
  })
  expect_identical(settled(first), 2)
})
