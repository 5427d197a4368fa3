# Words that ask R for the call they run in give, wherever they stand in a body,
# what they give there in a plain function: in code that runs as part of it, and
# in code that something else runs, here or in another process.

words <- alist(
  `nargs()` = nargs(),
  `sys.call()` = class(sys.call()),
  `sys.function()` = class(sys.function()),
  `match.call()` = class(match.call()),
  `match.arg(x)` = match.arg(type),
  `missing(x)` = missing(extra),
  `parent.frame()` = is.environment(parent.frame()),
  `environment()` = environmentName(environment()),
  `return()` = return("returned"),
  `on.exit()` = {
    on.exit(cat("left "))
    "set"
  },
  `several` = {
    type <- match.arg(type)
    f <- sys.function()
    list(is.null(f), nargs(), missing(extra))
  }
)

# Values as text, so that a closure or an environment in a call does not count.
outcome <- function(code) {
  text <- capture.output(value <- tryCatch(
    code, error = function(error) paste("error:", conditionMessage(error))
  ))
  list(value = value, text = paste(text, collapse = ""))
}

quotes_elsewhere <- function(expr) {
  eval(substitute(expr), new.env(parent = parent.frame()))
}
forces <- function(expr) expr
forces_later <- function(expr) forces(expr)
# A future of the code itself, made by a function of the user's.
sends <- function(expr) {
  code <- substitute(expr)
  value(future(
    code, envir = parent.frame(), substitute = FALSE, lazy = TRUE
  ))
}

places <- alist(
  future = value(future(WORD)),
  `lazy future` = value(future(WORD, lazy = TRUE)),
  `qualified future` = value(elsewhere::future(WORD)),
  `%<-%` = {
    later %<-% WORD
    later
  },
  `%->%` = {
    WORD %->% later
    later
  },
  `%<-% with an option` = {
    later %<-% {
      WORD
    } %seed% TRUE
    later
  },
  futureAssign = {
    futureAssign("later", WORD)
    later
  },
  local = local(WORD),
  forced = forces_later(WORD),
  `quoted elsewhere` = quotes_elsewhere(WORD),
  sent = sends(WORD),
  `in a block of our own` = settled(async(WORD)),
  `in a generator` = as.list(gen(yield(WORD))),
  `after a frame word` = list(nargs(), missing(extra), value(future(WORD))),
  `as it is` = WORD
)

# The same code as a plain function, as a task before and after it has waited,
# and as a generator.
makers <- alist(
  plain = function(n, type = c("a", "b"), extra) BODY,
  task = async(function(n, type = c("a", "b"), extra) BODY),
  `task that waits` = async(function(n, type = c("a", "b"), extra) {
    await(soon(1))
    BODY
  }),
  generator = gen(function(n, type = c("a", "b"), extra) {
    yield(0)
    yield(BODY)
  })
)

run_maker <- function(maker, body) {
  env <- new.env(parent = environment(sys.function()))
  made <- eval(
    do.call(substitute, list(maker, list(BODY = body))), env
  )
  outcome({
    value <- made(1, "b")
    if (inherits(value, "promise")) value <- settled(value)
    if (inherits(value, "generator")) value <- as.list(value)[[2L]]
    value
  })
}

expect_same_as_plain <- function(place, word) {
  body <- do.call(substitute, list(places[[place]], list(WORD = words[[word]])))
  plain <- run_maker(makers$plain, body)
  for (maker in names(makers)[-1L]) {
    # A return() in a generator ends it, and never gets to its yield().
    if (maker == "generator" && word %in% c("return()", "on.exit()")) next
    expect_identical(
      run_maker(makers[[maker]], body), plain,
      label = sprintf("%s in %s, %s", word, place, maker)
    )
  }
}

for (strategy in c("sequential", "multisession", "multicore")) {
  test_that(sprintf("frame words mean what they mean, in plan %s", strategy), {
    skip_if(strategy == "multicore" && !supportsMulticore())
    if (strategy == "sequential") {
      local_plan(sequential)
    } else {
      local_plan(strategy, workers = 1L)
    }
    far <- c("future", "lazy future", "%<-%", "sent", "after a frame word")
    for (place in if (strategy == "sequential") names(places) else far) {
      for (word in names(words)) expect_same_as_plain(place, word)
    }
  })
}

test_that("a default may ask for the function's call, after a pause too", {
  f <- async(function(a, b, count = nargs(), env = parent.frame()) {
    await(soon(1))
    list(count, env)
  })
  expect_identical(settled(f(1, 2)), list(2L, environment()))
})

test_that("parent.frame(1) is parent.frame()", {
  f <- async(function() {
    await(soon(1))
    list(parent.frame(1), parent.frame(n = 1L), sys.call(0), base::nargs())
  })
  expect_identical(
    settled(f()), list(environment(), environment(), quote(f()), 0L)
  )
})

test_that("a block in a block asks for the function around both", {
  f <- function(a, b) {
    async({
      await(soon(1))
      list(nargs(), await(async({
        await(soon(1))
        list(nargs(), sys.call(), as.list(gen(yield(nargs()))))
      })))
    })
  }
  expect_identical(
    settled(f(1, 2)), list(2L, list(2L, quote(f(1, 2)), list(2L)))
  )
})

test_that("an argument is forced in its own body, whoever runs just then", {
  outer <- async(function(a, b, c) {
    inner <- gen(function(x) {
      yield(nargs())
      yield(x)
    })
    await(soon(1))
    list(as.list(inner(nargs())), nargs())
  })
  expect_identical(settled(outer(1, 2, 3)), list(list(1L, 3L), 3L))
})

test_that("an on.exit() in which nothing pauses is R's, a loop in it too", {
  f <- async(function() {
    on.exit(for (i in 1:2) cat("left", i, ""))
    await(soon(1))
    "value"
  })
  expect_output(expect_identical(settled(f()), "value"), "left 1 left 2")
})

test_that("C++ and R know the same words", {
  expect_setequal(.Call(ew_eval_words, "frame"), names(frame_words))
  expect_error(.Call(ew_eval_words, "nonsense"), "no words have the role")
  expect_true(all(vapply(pausables(), is.name, NA)))
  for (word in c("{", "await", "tryCatch", "yieldFrom", "on.exit")) {
    expect_true(word %in% vapply(pausables(), as.character, ""))
  }
})
