# Names found for `expr` in a workspace of its own, which `define` fills. The
# workspace is a child of the global environment, so everything in it is
# "local" to the search; test-globals-workspace.R has the real one.
names_for <- function(expr, define = list(), envir = workspace(define)) {
  names(elsewhere:::find_globals(expr, envir)$globals)
}

workspace <- function(define) {
  list2env(define, parent = globalenv())
}

ones <- function(...) {
  names <- c(...)
  stats::setNames(as.list(rep(1, length(names))), names)
}

expect_found <- function(expr, names, define = ones(names), not = NULL) {
  found <- names_for(expr, define)
  label <- paste(deparse(expr), collapse = " ")
  expect(
    all(names %in% found),
    sprintf("`%s`: not found: %s", label, toString(setdiff(names, found)))
  )
  expect(
    !any(not %in% found),
    sprintf("`%s`: wrongly found: %s", label, toString(intersect(not, found)))
  )
}

test_that("a name that is used before it is bound is global", {
  expect_found(quote({
    a <- a + 1
    a
  }), "a")
  expect_found(quote({
    x <- y
    y <- 2
    x
  }), "y", ones("x", "y"), not = "x")
})

test_that("a name that only some way binds is global", {
  expect_found(quote({
    if (flag) x <- 0
    x + 1
  }), c("flag", "x"))
  expect_found(quote({
    flag && {
      x <- 0
    }
    x
  }), c("flag", "x"))
  expect_found(quote({
    while (c0) x <- 1
    x
  }), c("c0", "x"))
  expect_found(quote({
    for (i in idx) s <- i + k
    s
  }), c("idx", "k", "s"), ones("i", "idx", "k", "s"), not = "i")
  expect_found(quote({
    switch(type, a = x <- 1)
    x
  }), c("type", "x"))
  expect_found(quote({
    repeat {
      if (done) break
      x <- 1
    }
    x
  }), c("done", "x"))
})

test_that("a name that both branches bind is not global", {
  expect_found(quote({
    if (flag) x <- 0 else x <- 1
    x
  }), "flag", ones("flag", "x"), not = "x")
  expect_found(quote({
    if (flag) return(1) else x <- 1
    x
  }), "flag", ones("flag", "x"), not = "x")
})

test_that("what a function or local() binds stays in it", {
  expect_found(quote(local({
    f <- function(x) x
    x
  })), "x")
  expect_found(quote(lapply(1:3, function(i) {
    g <- function(a) a
    g(a)
  })), "a", ones("a", "i"), not = "i")
  expect_found(quote(function(x = a, b = x) b), "a", ones("a", "b", "x"),
    not = c("x", "b")
  )
  expect_found(quote((\(u) u + k)(2)), "k", ones("k", "u"), not = "u")
})

test_that("replacement forms read what they change", {
  expect_found(quote({
    x[i] <- 0
    x
  }), c("x", "i"))
  expect_found(quote(obj$f$g[[key]] <- v), c("obj", "key", "v"))
  expect_found(quote({
    names(l)[j] <- nm
    l
  }), c("l", "j", "nm"))
  expect_found(quote(base::names(x)[1] <- 0), "x")
  expect_found(quote(p@slot <- v), c("p", "v"), not = "slot")
  expect_found(quote(x <<- x + 1), "x")
  expect_found(quote(part(x) <- 1), c("x", "part<-"),
    list(x = 1, `part<-` = function(x, value) x)
  )
})

test_that("%<-% evaluates its right side elsewhere and binds its left", {
  expect_found(quote({
    v %<-% {
      w + 1
    }
    v
  }), "w", ones("v", "w"), not = "v")
})

test_that("names that may be columns are exported when they are there", {
  expect_found(
    quote(lm(y ~ a + I(b^2), data = df, weights = w)), c("df", "w")
  )
  expect_found(quote(df |> subset(z > thr) |> nrow()), c("df", "thr"))
  expect_found(quote(with(dat, col + outer1)), c("dat", "outer1"))
})

test_that("columns are not reported as missing", {
  missing_in <- function(expr) {
    elsewhere:::find_globals(expr, workspace(list(df = 1)))$missing
  }
  expect_identical(missing_in(quote(subset(df, nothing > 1))), character())
  expect_identical(missing_in(quote(lm(y1 ~ y2, data = df))), character())
  expect_identical(
    missing_in(quote(df[, .(s = sum(y1)), by = y2])), character()
  )
  expect_identical(missing_in(quote(nothing + df)), "nothing")
})

test_that("operators and functions of the workspace are found by their call", {
  expect_found(quote(df %>% foo(., n)), c("%>%", "df", "foo", "n"), list(
    `%>%` = function(a, b) 1, foo = function(x, n) 1, df = 1, n = 1
  ))
  expect_found(
    quote((function(n) if (n < 1) 0 else n * fct(n - 1))(3)), "fct",
    list(fct = function(n) n, n = 1),
    not = "n"
  )
  expect_found(
    quote(tryCatch(risky(), error = function(e) fallback(e))),
    c("risky", "fallback"),
    list(risky = function() 1, fallback = function(e) 1)
  )
  expect_found(quote(switch(type, a = fa(x), b = fb(x))),
    c("type", "fa", "fb", "x"),
    list(type = 1, fa = identity, fb = identity, x = 1)
  )
})

test_that("a function named by a string is found", {
  define <- list(myfun = function(x) x, xs = 1, `%+%` = function(a, b) 1)
  expect_found(quote(do.call("myfun", list(1))), "myfun", define)
  expect_found(quote(sapply(xs, "myfun")), c("xs", "myfun"), define)
  expect_found(quote(match.fun("myfun")), "myfun", define)
  expect_found(quote(Reduce("%+%", 1:3)), "%+%", define)
  expect_found(quote(aggregate(xs, FUN = "myfun")), "myfun", define)
  expect_found(quote(get("hidden")), "hidden")
  expect_found(quote(mget(c("h1", "h2"))), c("h1", "h2"))
})

test_that("what is quoted is taken along only if it is there", {
  found <- elsewhere:::find_globals(quote(quote(nope)), workspace(list()))
  expect_identical(names(found$globals), character())
  expect_identical(found$missing, character())
  found <- elsewhere:::find_globals(
    quote(bquote(.(inj) + sym)), workspace(list(inj = 1))
  )
  expect_identical(names(found$globals), "inj")
  expect_identical(found$missing, character())
})

test_that("a call looks for a function, whatever the name holds here", {
  expect_found(quote({
    area <- 1
    area(2)
  }), "area", list(area = function(x) x))
  expect_found(quote(function(area) area(area)), "area",
    list(area = function(x) x)
  )
  expect_found(quote(function(f) f(1)), character(),
    list(f = function(x) x),
    not = "f"
  )
})

test_that("`...` and `..1` come as a list of their values", {
  outer <- function(...) {
    elsewhere:::find_globals(quote(sum(..., ..1)), environment())
  }
  expect_identical(outer(1, b = 2 + 3)$globals, list(... = list(1, b = 5)))
  expect_identical(outer()$globals, list(... = list()))
  expect_identical(
    elsewhere:::find_globals(quote(sum(...)), globalenv())$missing, "..."
  )
  expect_found(quote({
    h <- function(...) sum(..., na.rm = nar)
    h(1)
  }), "nar", not = "...")
})

test_that("a missing argument is found as missing, also when passed on", {
  inner <- function(a, b) {
    elsewhere:::find_globals(quote(if (missing(b)) a else a + b), environment())
  }
  outer <- function(b) inner(1, b)
  for (found in list(inner(1)$globals, outer()$globals)) {
    expect_identical(found$a, 1)
    expect_identical(found[["b"]], quote(expr = ))
  }
})

test_that("a NULL value is kept", {
  found <- elsewhere:::find_globals(quote(a), workspace(list(a = NULL)))
  expect_identical(found$globals, list(a = NULL))
})
