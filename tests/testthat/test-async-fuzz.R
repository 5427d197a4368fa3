# Random programs again: cancelled at every pause, and run while R collects
# garbage at every few allocations.

with_finally <- function(program, note) {
  told <- function(word) as.call(list(note, word))
  call("tryCatch",
    call("{",
      call("on.exit", told("exit"), add = TRUE),
      quote(await(soon(1))), program
    ),
    finally = call("{", told("finally"), quote(await(soon(0))), told("after"))
  )
}

test_that("a task cancelled at any pause runs its finally and on.exit() once", {
  count <- as.integer(Sys.getenv("ELSEWHERE_CANCELLED", "25"))
  seed <- program_seed()
  for (i in seq_len(count)) {
    set.seed(seed + i)
    program <- with_pauses(
      random_program(3L), function(v) call("await", call("soon", v))
    )
    for (at in 1:12) {
      seen <- character()
      scope <- program_scope()
      note <- function(word) seen <<- c(seen, word)
      body <- with_finally(program, note)
      task <- NULL
      utils::capture.output(suppressMessages(suppressWarnings({
        task <- eval(as.call(list(quote(elsewhere::async), body)), scope)
        pauses <- 0L
        step <- function() {
          pauses <<- pauses + 1L
          if (pauses == at) cancel(task)
          later::run_now(1)
        }
        promises::catch(task, function(e) NULL)
        deadline <- Sys.time() + 60
        while (summary(task)$state == "pending" && Sys.time() < deadline) step()
      })))
      info <- paste0("ELSEWHERE_SEED=", seed + i - 1L, ", cancelled at ", at)
      expect_false(summary(task)$state == "pending", info = info)
      # The pause in `finally` may be the one that was cancelled.
      expect_identical(
        sort(setdiff(seen, "after")), c("exit", "finally"), info = info
      )
      expect_false(anyDuplicated(seen) > 0L, info = info)
      if (at > pauses) break
    }
  }
  expect_identical(nrow(async_tasks()), 0L)
})

test_that("random programs run while garbage is collected all the time", {
  count <- as.integer(Sys.getenv("ELSEWHERE_TORTURED", "3"))
  seed <- program_seed()
  for (i in seq_len(count)) {
    set.seed(seed + i)
    program <- random_program(2L)
    scope <- program_scope()
    code <- with_pauses(program, function(v) call("await", v))
    plain <- observe(
      eval(
        call("function", NULL, with_pauses(program, identity)), program_scope()
      ),
      new.env()
    )
    task <- NULL
    output <- utils::capture.output(suppressMessages(suppressWarnings({
      gctorture2(53)
      task <- eval(as.call(list(quote(elsewhere::async), code)), scope)
      values <- as.list(gen({
        for (k in 1:2) yield(tryCatch(stop("x"), error = function(e) k))
      }))
      invisible(gctorture2(0))
    })))
    info <- paste0("ELSEWHERE_SEED=", seed + i - 1L)
    value <- tryCatch(
      settled(task), error = function(e) paste("error:", conditionMessage(e))
    )
    expect_equal(value, plain$value, info = info)
    expect_identical(output, plain$output, info = info)
    expect_identical(values, list(1L, 2L))
  }
})

test_that("every kind of pause survives a collection at each allocation", {
  pieces <- list(
    quote(tryCatch(
      {
        yield(1)
        stop("x")
      },
      error = function(e) yield(2), finally = yield(3)
    )),
    quote({
      on.exit(yield(1))
      withRestarts(
        {
          yield(2)
          invokeRestart("r", 3)
        },
        r = function(v) v
      )
    }),
    quote(switch("a",
      a = {
        yield(1)
        goto("b")
      },
      b = local({
        on.exit(yield(4))
        yield(2)
      })
    )),
    quote({
      x <- list(NULL)
      x[[yield(1)]]$b <- yield(2)
      yieldFrom(1:2)
      suppressWarnings({
        warning("w")
        yield(sum(1, yield(3)))
      })
    })
  )
  run_all <- function() {
    lapply(pieces, function(piece) as.list(eval(call("gen", piece))))
  }
  expected <- run_all()
  gctorture2(17)
  tortured <- tryCatch(run_all(), finally = gctorture2(0))
  expect_identical(tortured, expected)
})
