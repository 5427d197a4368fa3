# The calls that conditions show: those of plain R.

call_head <- function(condition) {
  call <- conditionCall(condition)
  if (is.null(call)) "none" else deparse(call[[1L]])
}

# What the condition that `code` raises shows in a function, and the same with a
# pause before it.
expect_same_call <- function(code, kind = "error") {
  plain <- eval(substitute(function() CODE, list(CODE = code)))
  pausing <- with_pause_before(code)
  seen <- list()
  note <- function(condition) seen[[length(seen) + 1L]] <<- condition
  run <- function(code) {
    handlers <- list(note)
    names(handlers) <- kind
    tryCatch(
      do.call(withCallingHandlers, c(list(code), handlers)),
      condition = identity
    )
  }
  run(quote(plain()))
  task <- eval(substitute(async(function() CODE), list(CODE = pausing)))
  run(quote(settled(task())))
  expect_identical(length(seen), 2L, info = deparse(code))
  heads <- vapply(seen, call_head, "")
  heads[heads %in% c("plain", "task")] <- "the function"
  expect_identical(heads[[2L]], heads[[1L]], info = deparse(code))
}

# raise() becomes { await(soon(0)); raise() }.
with_pause_before <- function(code) {
  if (!is.call(code)) return(code)
  if (identical(code[[1L]], quote(stop)) ||
      identical(code[[1L]], quote(warning))) {
    return(bquote({
      await(soon(0))
      .(code)
    }))
  }
  as.call(lapply(as.list(code), with_pause_before))
}

test_that("an error shows the call that R shows, wherever it is raised", {
  for (code in expression(
    stop("x"),
    tryCatch(stop("x"), warning = identity),
    tryCatch(stop("x"), finally = NULL),
    tryCatch(stop("x"), warning = identity, finally = NULL),
    tryCatch(NULL, finally = stop("x")),
    withCallingHandlers(stop("x"), warning = identity),
    tryCatch(withCallingHandlers(stop("x"), message = identity), a = identity),
    withCallingHandlers(tryCatch(stop("x"), a = identity), message = identity),
    withRestarts(stop("x"), again = function() NULL),
    suppressWarnings(stop("x")),
    suppressMessages(stop("x")),
    local(stop("x")),
    local(tryCatch(stop("x"), warning = identity)),
    tryCatch(local(stop("x")), warning = identity),
    for (i in 1) stop("x"),
    tryCatch(for (i in 1) stop("x"), warning = identity)
  )) {
    expect_same_call(code)
  }
})

test_that("each of several warnings shows the call of its own place", {
  seen <- list()
  note <- function(w) {
    seen[[length(seen) + 1L]] <<- w
    invokeRestart("muffleWarning")
  }
  task <- async(function() {
    warning("0")
    await(soon(1))
    tryCatch(
      {
        warning("1")
        withRestarts(
          {
            await(soon(1))
            warning("2")
          },
          a = identity
        )
        warning("3")
      },
      error = identity,
      finally = await(soon(1))
    )
    local({
      await(soon(1))
      warning("4")
    })
    try({
      await(soon(1))
      warning("5")
    })
    warning("6")
  })
  withCallingHandlers(settled(task()), warning = note)
  expect_identical(
    vapply(seen, call_head, ""),
    c(
      "task", "doTryCatch", "doWithOneRestart", "doTryCatch", "eval",
      "doTryCatch", "task"
    )
  )
})

test_that("an error in a handler shows the handler's call", {
  for (handler in expression(
    function(e) stop("in the handler"),
    function(e) {
      await(soon(1))
      stop("in the handler")
    }
  )) {
    task <- eval(bquote(async(tryCatch(
      {
        await(soon(1))
        stop("x")
      },
      error = .(handler)
    ))))
    error <- tryCatch(settled(task), error = identity)
    expect_identical(conditionCall(error), quote(value[[3L]](cond)))
  }
})

test_that("try() prints and keeps what R's does", {
  said <- textConnection(NULL, "w", local = TRUE)
  on.exit(close(said))
  task <- async({
    a <- try(
      {
        await(soon(1))
        stop("x")
      },
      outFile = said
    )
    b <- try(log(await(soon("y"))), TRUE)
    list(a, b)
  })
  result <- settled(task)
  expect_identical(textConnectionValue(said), "Error in try({ : x")
  expect_identical(c(result[[1L]]), "Error in try({ : x\n")
  expect_identical(
    conditionCall(attr(result[[1L]], "condition")),
    quote(doTryCatch(return(expr), name, parentenv, handler))
  )
  expect_match(result[[2L]], "^Error in log")
})

test_that("an error right in a block has no call", {
  for (task in list(async(stop("x")), async({
    await(soon(1))
    stop("x")
  }))) {
    error <- tryCatch(settled(task), error = identity)
    expect_identical(conditionCall(error), NULL)
  }
})

test_that("a condition whose call is shown keeps it while the body goes on", {
  kept <- NULL
  g <- gen({
    withCallingHandlers(
      {
        tryCatch(
          {
            warning("first")
            yield(1)
          },
          error = identity
        )
        local(yield(2))
        yield(3)
      },
      warning = function(w) {
        kept <<- w
        invokeRestart("muffleWarning")
      }
    )
  })
  while (!is.null(nextOr(g, NULL))) {
    expect_identical(
      conditionCall(kept),
      quote(doTryCatch(return(expr), name, parentenv, handler))
    )
  }
})

test_that("a pause in an argument that a function leaves alone names it", {
  quoting <- quote
  expect_error(
    settled(async(function() quoting(await(1)))()),
    "^quoting[(][)] does not evaluate its arguments, so they cannot pause$"
  )
  expect_error(
    settled(async(function() (quoting)(await(1)))()),
    "^this function does not evaluate its arguments"
  )
})
