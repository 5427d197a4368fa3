# Generators and tasks beside those of coro and, where it is installed, of the
# async package (crowding/async, with crowding/iterors and crowding/nseval, none
# of which CRAN has). Its words are written `async::await()`: it takes those it
# finds, and ours are attached.

has_async <- function() requireNamespace("async", quietly = TRUE)

titled <- function(result, title) structure(result, title = title)

# Divides what compare() measured by the number of things done in one call.
per_item <- function(result, items) {
  items <- spread(items, result$peer)
  result$min <- result$min / items
  result$median <- result$median / items
  result$ratio_min <- result$min / result$min[[1L]]
  result$ratio_median <- result$median / result$median[[1L]]
  result
}

run_loop <- function() {
  while (!later::loop_empty()) later::run_now(1)
}

ask <- function(generator, times) {
  force(generator)
  function() for (i in seq_len(times)) generator()
}

bench_async_yield <- function() {
  ours <- elsewhere::gen({
    i <- 0
    repeat {
      i <- i + 1
      yield(i)
    }
  })
  coros <- coro::generator(function() {
    i <- 0
    repeat {
      i <- i + 1
      yield(i)
    }
  })()
  items <- c(elsewhere = 20000, coro = 1000)
  peers <- list(
    elsewhere = ask(ours, items[["elsewhere"]]),
    coro = ask(coros, items[["coro"]])
  )
  if (has_async()) {
    theirs <- async::gen({
      i <- 0
      repeat {
        i <- i + 1
        async::yield(i)
      }
    })
    items[["async"]] <- 1000
    peers$async <- function() {
      for (i in 1:1000) async::nextOr(theirs, NULL)
    }
  }
  titled(per_item(compare(peers, 15), items), "one yield")
}

bench_async_await_own <- function() {
  ours <- elsewhere::async(function() 1)
  coros <- coro::async(function() 1)
  peers <- list(
    elsewhere = function() {
      elsewhere::async(for (i in 1:1000) await(ours()))
      run_loop()
    },
    coro = function() {
      coro::async(function() for (i in 1:1000) await(coros()))()
      run_loop()
    }
  )
  if (has_async()) {
    asyncs <- async::async(function() 1)
    peers$async <- function() {
      async::async(for (i in 1:1000) async::await(asyncs()))
      run_loop()
    }
  }
  titled(compare(peers, 8), "1 000 awaits of tasks of the same package")
}

bench_async_await_foreign <- function() {
  ready <- promises::promise_resolve(1)
  items <- c(elsewhere = 300, coro = 300)
  peers <- list(
    elsewhere = function() {
      elsewhere::async(for (i in 1:300) await(ready))
      run_loop()
    },
    coro = function() {
      coro::async(function() for (i in 1:300) await(ready))()
      run_loop()
    }
  )
  if (has_async()) {
    items[["async"]] <- 300
    peers$async <- function() {
      async::async(for (i in 1:300) async::await(ready))
      run_loop()
    }
  }
  titled(per_item(compare(peers, 10), items), "one await of a foreign promise")
}

# Promises that settle on a later turn of the event loop, as most do.
bench_async_await_pending <- function() {
  pending <- function() {
    promises::promise(function(resolve, reject) {
      later::later(function() resolve(1))
    })
  }
  items <- c(elsewhere = 300, coro = 300)
  peers <- list(
    elsewhere = function() {
      elsewhere::async(for (i in 1:300) await(pending()))
      run_loop()
    },
    coro = function() {
      coro::async(function() for (i in 1:300) await(pending()))()
      run_loop()
    }
  )
  if (has_async()) {
    items[["async"]] <- 300
    peers$async <- function() {
      async::async(for (i in 1:300) async::await(pending()))
      run_loop()
    }
  }
  titled(
    per_item(compare(peers, 10), items),
    "one await of a foreign promise that is pending, which is made too"
  )
}

bench_async_build <- function() {
  items <- c(elsewhere = 2000, coro = 10)
  peers <- list(
    elsewhere = function() {
      for (k in 1:2000) {
        elsewhere::gen({
          i <- 0
          repeat {
            i <- i + 1
            yield(i)
          }
        })
      }
    },
    coro = function() {
      for (k in 1:10) {
        coro::gen({
          i <- 0
          repeat {
            i <- i + 1
            yield(i)
          }
        })()
      }
    }
  )
  if (has_async()) {
    items[["async"]] <- 20
    peers$async <- function() {
      for (k in 1:20) {
        async::gen({
          i <- 0
          repeat {
            i <- i + 1
            async::yield(i)
          }
        })
      }
    }
  }
  titled(per_item(compare(peers, 8), items), "a generator from source")
}

# R's JIT compiles the state machine of each of coro's tasks anew, at its second
# call: most of what coro takes here, so it is measured without that, too.
bench_async_sleepers <- function() {
  sleeper <- coro::async(function() await(coro::async_sleep(0.1)))
  coros <- function() {
    for (i in 1:1000) sleeper()
    run_loop()
  }
  peers <- list(
    elsewhere = function() {
      for (i in 1:1000) elsewhere::async(await(elsewhere::delay(0.1)))
      run_loop()
    },
    coro = coros,
    `coro, no JIT` = function() {
      level <- compiler::enableJIT(0)
      on.exit(compiler::enableJIT(level))
      coros()
    }
  )
  if (has_async()) {
    peers$async <- function() {
      for (i in 1:1000) async::async(async::await(async::delay(0.1)))
      run_loop()
    }
  }
  titled(compare(peers, 3), "1 000 tasks that sleep 0.1 s")
}
