# Compiling a body takes work in proportion to its code, however deep that is
# nested. The work is counted by the compiler: looks at a call.

nested <- function(depth, around, inner = quote(await(p))) {
  for (i in seq_len(depth)) {
    inner <- do.call(substitute, list(around, list(INNER = inner)))
  }
  inner
}

work <- function(expr) {
  program <- .Call(ew_eval_compile, expr, environment(), 1L, FALSE)
  list(steps = program[[10L]], code = length(program[[1L]]))
}

forms <- alist(
  braces = {
    INNER
  },
  parentheses = (INNER),
  `if` = if (TRUE) INNER,
  `if else` = if (FALSE) other() else INNER,
  `if else, first` = if (FALSE) INNER else other(),
  `for` = for (i in 1:2) INNER,
  `while` = while (TRUE) {
    INNER
    break
  },
  `repeat` = repeat {
    if (INNER) break
  },
  assignment = x <- INNER,
  replacement = x[[INNER]] <- 1,
  arithmetic = 1 + INNER,
  call = f(INNER),
  `call of two` = f(a, INNER, b),
  `braces in a call` = f({
    INNER
  }),
  `awaited` = await(INNER),
  `awaited in a call` = f(await(INNER)),
  logic = TRUE && INNER,
  switch = switch("a", a = INNER, b = 2),
  tryCatch = tryCatch(INNER, error = function(e) NULL),
  handler = tryCatch(stop("x"), error = function(e) INNER),
  finally = tryCatch(1, finally = INNER),
  try = try(INNER),
  calling = withCallingHandlers(INNER, warning = function(w) NULL),
  restarts = withRestarts(INNER, stop = function() NULL),
  suppressed = suppressWarnings(INNER),
  local = local(INNER),
  `on.exit` = local({
    on.exit(INNER)
    1
  }),
  pipe = INNER %>% f(1),
  `pipe on the right` = 1 %>% f(INNER),
  `a frame word` = {
    nargs()
    INNER
  },
  `nothing that pauses` = for (i in x) {
    if (i) g(INNER) else INNER2
  }
)

test_that("eight times as deep is eight times the work, in every form", {
  for (form in names(forms)) {
    inner <- if (form == "nothing that pauses") quote(h(1)) else quote(await(p))
    few <- work(nested(100L, forms[[form]], inner))
    many <- work(nested(800L, forms[[form]], inner))
    expect_lt(many$steps / few$steps, 8.5, label = paste("steps for", form))
    expect_lt(many$code / few$code, 8.5, label = paste("code for", form))
  }
})

test_that("a body that is nested too deep is an error, and R goes on", {
  for (form in c("braces", "call", "tryCatch", "nothing that pauses")) {
    inner <- if (form == "nothing that pauses") quote(h(1)) else quote(await(p))
    deep <- nested(200000L, forms[[form]], inner)
    error <- tryCatch(work(deep), error = identity)
    expect_match(conditionMessage(error), "stack|nested|infinite", label = form)
  }
  expect_identical(settled(async(await(soon(1)) + 1)), 2)
})
