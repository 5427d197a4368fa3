# coro's own tests of its generators and tasks, from its source package, against
# ours behind coro's interface (helper-coro.R).

# The tests that fail, and why they should: R's own semantics, or those of
# crowding/async, are ours.
coro_reasons <- local({
  internals <- "it looks at coro's own code or its printed form"
  expression <- "our gen() and async() take an expression, also a name"
  refused <- "refused, too, but when it is built, and in our words"
  failed <- "a generator that has failed has ended, as one of crowding/async"
  c(
    "test-generator.R: generator factories print nicely" = internals,
    "test-generator.R: generator instances prints nicely" = internals,
    "test-generator.R: generator() takes anonymous functions" = expression,
    "test-generator.R: unexpected exits disable generators" = failed,
    "test-generator.R: tryCatch(finally = ) is handled" =
      "coro refuses `finally`; here it works",
    "test-generator.R: can't await() within a generator" = refused,
    "test-generator.R: disabled generators only clean up once" = failed,
    "test-async.R: async functions construct a generator" = internals,
    "test-async.R: async() takes anonymous functions" = expression,
    "test-async.R: await() can't be called directly or out of place" =
      "await() may stand in arguments; outside it is an error in our words",
    "test-async.R: async functions wrap return and yielded values" =
      "await() of a plain value gives it at once",
    "test-async.R: for loops support await_each()" = internals,
    "test-async.R: await_each() can't be used in generators" =
      "there is no await_each(); `for` takes a stream as it is",
    "test-async.R: yield() can't be used in async() functions" = refused,
    "test-async.R: async functions and async generator factories print nicely" =
      internals,
    "test-async.R: async ops are picked up from caller env" =
      "as.promise() methods say what can be awaited",
    "test-async.R: async function returns invisibly (#46)" =
      "a task is a value, and prints itself",
    "test-iterator-for.R: loop() fails informatively inside generators (#31)" =
      "loop() is not ours; a pause in its argument is run ahead"
  )
})

test_that("coro's tests of behaviour pass with ours, but for the listed", {
  root <- local_sources("coro", "1.1.0")
  results <- run_contract(
    root, c("test-generator.R", "test-async.R", "test-iterator-for.R"),
    coro_shim,
    function(lines) {
      gsub("coro::(generator|async_generator|gen|async)\\(", "\\1(", lines)
    }
  )
  expect_gt(nrow(results), 50)
  expect_contract(results, coro_reasons)
})
