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

test_that("names of the same meaning in two places are kept apart", {
  # `total` is a number here and a function in the workspace.
  g <- function() shared_name
  environment(g) <- globalenv()
  withr::defer(rm(list = "shared_name", envir = globalenv()))
  assign("shared_name", "workspace", globalenv())
  found <- elsewhere:::find_globals(
    quote(c(shared_name, g())), workspace(list(shared_name = "here", g = g))
  )
  expect_identical(found$globals$shared_name, "here")
  expect_identical(found$shadowed, list(shared_name = "workspace"))
  expect_identical(found$where[["shared_name"]], "local")
})

test_that("`globals =` takes the forms of the future package", {
  env <- workspace(list(a = 1, b = 2, f = function() 3))
  find <- function(globals, expr = quote(a + f())) {
    elsewhere:::find_globals(expr, env, globals)
  }
  expect_identical(names(find(FALSE)$globals), character())
  expect_identical(find("b")$globals, list(b = 2))
  expect_identical(find(c("b", "nowhere"))$missing, "nowhere")
  expect_identical(find(list(x = 5, y = NULL))$globals, list(x = 5, y = NULL))
  expect_setequal(
    names(find(structure(TRUE, add = "b", ignore = "a"))$globals), c("b", "f")
  )
  expect_setequal(
    names(find(structure(TRUE, add = list(z = 9)))$globals), c("z", "a", "f")
  )
  for (wrong in list(NULL, NA, 3, list(1), c(TRUE, TRUE))) {
    expect_error(find(wrong), class = "elsewhere_bad_argument")
  }
})

test_that("packages are attached by where a name was found", {
  skip_if_not_installed("R6")
  withr::local_package("R6")
  found <- elsewhere:::find_globals(quote(R6Class("a")), globalenv())
  expect_identical(found$packages, "R6")
  expect_identical(names(found$globals), character())
  found <- elsewhere:::find_globals(quote(median(x)), workspace(list(x = 1)))
  expect_identical(found$packages, character())
  expect_identical(names(found$globals), "x")
})

test_that("pkg::name loads a package without attaching it", {
  found <- elsewhere:::find_globals(
    quote(tools::file_ext(cli:::ansi_strip("a"))), globalenv()
  )
  expect_identical(found$packages, character())
  expect_setequal(found$namespaces, c("tools", "cli"))
})

test_that("code of a package takes its private functions along", {
  found <- elsewhere:::find_globals(
    quote(ansi_strip(x)), list2env(list(x = 1), parent = asNamespace("cli"))
  )
  expect_setequal(names(found$globals), c("x", "ansi_strip"))
  expect_identical(found$where[["ansi_strip"]], "namespace")
  expect_true("cli" %in% found$namespaces)
})

test_that("a promise is forced only when its value is taken along", {
  forced <- character()
  env <- workspace(list())
  delayedAssign("used", {
    forced <- c(forced, "used")
    1
  }, assign.env = env)
  delayedAssign("unused", forced <- c(forced, "unused"), assign.env = env)
  expect_identical(
    elsewhere:::find_globals(quote(used), env)$globals, list(used = 1)
  )
  expect_identical(forced, "used")
})

test_that("an error in a promise that may be used does not matter", {
  env <- workspace(list())
  delayedAssign("bad", stop("a bad promise"), assign.env = env)
  found <- elsewhere:::find_globals(quote(quote(bad)), env)
  expect_identical(names(found$globals), character())
  delayedAssign("worse", stop("a worse promise"), assign.env = env)
  expect_error(elsewhere:::find_globals(quote(worse), env), "a worse promise")
})

test_that("code nested too deeply is refused", {
  nested <- Reduce(function(code, i) call("+", code, 1), 1:30000, quote(a))
  expect_error(
    elsewhere:::find_globals(nested, globalenv()), "10000 calls deep",
    class = "elsewhere_too_large"
  )
})

test_that("an unchanged function is walked once", {
  counts <- function() .Call(elsewhere:::ew_globals_counts)
  env <- workspace(list(offset = 1))
  env$f <- eval(quote(function(x) x + offset), env)
  elsewhere:::find_globals(quote(f), env)
  before <- counts()
  elsewhere:::find_globals(quote(f), env)
  # The expression itself is walked, one node; `f` is remembered.
  expect_identical(counts() - before, c(1, 1, 1))
})

# The names that a search of the code finds among `names` when each is a
# function, so that it is found as a value and by a call.
names_in <- function(f, names) {
  define <- stats::setNames(rep(list(function() NULL), length(names)), names)
  code <- call("function", formals(f), body(f))
  names_for(code, define)
}

functions_of <- function(package) {
  namespace <- asNamespace(package)
  Filter(
    function(f) is.function(f) && !is.primitive(f),
    mget(ls(namespace, all.names = TRUE), namespace)
  )
}

test_that("no name is lost that codetools finds in the functions of R", {
  for (package in c("base", "stats", "utils")) {
    functions <- functions_of(package)
    some <- functions[seq(1, length(functions), by = 5)]
    lost <- lapply(some, function(f) {
      expected <- codetools::findGlobals(f)
      setdiff(expected, names_in(f, expected))
    })
    expect_identical(Filter(length, unname(lost)), list())
  }
})

test_that("the search holds while R collects garbage all the time", {
  functions <- functions_of("base")
  set.seed(1)
  sample <- functions[sample(length(functions), 6)]
  env <- workspace(sample)
  makeActiveBinding("active", function() runif(3), env)
  delayedAssign("late", runif(3), assign.env = env)
  env$classed <- structure(list(function(x) active + x), class = "own")
  env$print.own <- function(x, ...) late
  code <- as.call(c(quote(list), lapply(
    c(names(sample), "active", "late", "classed"), as.name
  )))
  expected <- names_for(code, envir = env)
  gctorture2(step = 29)
  withr::defer(gctorture(FALSE))
  found <- elsewhere:::find_globals(code, env)
  explained <- .Call(elsewhere:::ew_explain_globals, code, env)
  gctorture(FALSE)
  expect_identical(names(found$globals), expected)
  expect_identical(names(explained[[1L]]$globals), expected)
})

test_that("explain_globals() says where, how large and why", {
  env <- workspace(list(rate = 0.2, big = numeric(1e5)))
  env$decay <- eval(quote(function(t) exp(-rate * t)), env)
  environment(env$decay) <- env
  explained <- explain_globals(decay(big) + tools::file_ext("a") + none, env)
  expect_named(explained, c("name", "where", "size", "why"))
  expect_setequal(explained$name, c("decay", "big", "rate", "tools", "none"))
  row <- function(name) explained[explained$name == name, ]
  expect_identical(row("big")$where, "local")
  expect_identical(row("big")$why, "used by the expression")
  # `decay` carries its environment, where `big` is what is large.
  expect_match(row("decay")$why, "environment(decay)$big", fixed = TRUE)
  expect_identical(row("tools")$where, "loaded")
  expect_identical(row("none")$where, "nowhere")
  expect_identical(
    row("big")$size, as.numeric(length(serialize(env$big, NULL, xdr = FALSE)))
  )
  expect_error(explain_globals(a, 1), class = "elsewhere_bad_argument")
})

test_that("globals over the limit are refused by name and path", {
  withr::defer(plan(sequential))
  plan(sequential, maxSizeOfObjects = 1e5)
  keep <- function() captured
  environment(keep) <- list2env(
    list(captured = numeric(1e5)),
    parent = globalenv()
  )
  error <- expect_error(future(keep()), "exceeds", class = "FutureError")
  expect_match(
    conditionMessage(error), "environment(keep)$captured",
    fixed = TRUE
  )
})

test_that("small things that local functions use are listed as well", {
  env <- workspace(list(a = 5, large = numeric(1000)))
  env$g <- eval(quote(function(x) x * a + length(large)), env)
  env$h <- eval(quote(function(x) g(x) + 1), env)
  found <- names_for(quote(h(2)), envir = env)
  expect_setequal(found, c("h", "g", "a"))
})

test_that("functions on the search path bring the packages they use", {
  skip_if_not_installed("R6")
  withr::local_package("R6")
  shelf <- new.env()
  shelf$make_class <- function() R6Class("made")
  attached <- attach(shelf, name = "a_shelf")
  withr::defer(detach("a_shelf", character.only = TRUE))
  environment(attached$make_class) <- attached
  found <- elsewhere:::find_globals(quote(make_class()), globalenv())
  expect_identical(names(found$globals), "make_class")
  expect_identical(found$where[["make_class"]], "attached")
  expect_identical(found$packages, "R6")
})

test_that("a search that ends early says so", {
  parts <- rep(list(quote(one + other)), 2000001L)
  expect_warning(
    elsewhere:::find_globals(quote(parts), environment()), "2 million parts"
  )
})

test_that("names in text that will be code are found", {
  expect_found(
    quote(glue("{{no}} hi {who}, {fmt(n, d$col)} no")),
    c("who", "fmt", "n", "d"),
    ones("who", "fmt", "n", "d", "col", "hi", "no"), not = c("col", "hi", "no")
  )
  expect_found(
    quote(cli::cli_text("a {.val {b}} c")), "b", ones("a", "b", "c"),
    not = c("a", "c")
  )
  expect_found(quote(eval(parse(text = "aa + bb[[1]]"))), c("aa", "bb"))
  expect_found(quote(glue("} {unclosed")), "unclosed")
})

test_that("a variable that holds the name of a function leads to it", {
  define <- list(fn = "my", my = function(x) x + other, other = 1)
  expect_found(quote(do.call(fn, list(5))), c("fn", "my"), define)
  expect_found(quote(sapply(xs, fn)), c("fn", "my"), c(define, list(xs = 1)))
  expect_found(quote(get(fn)), c("fn", "my"), define)
  expect_found(quote(paste(fn)), "fn", define, not = "my")
})

# Functions that this file makes belong to the package as far as R can tell.
of_workspace <- function(values) {
  env <- list2env(values, parent = globalenv())
  for (name in names(values)) {
    if (is.function(env[[name]])) environment(env[[name]]) <- env
  }
  env
}

test_that("text that reaches a look-up by name leads to the function", {
  workspace_of <- function(...) {
    my <- function(x) x + other
    of_workspace(list(my = my, other = 1, ...))
  }
  expect_reached <- function(expr, ..., is_reached = TRUE) {
    found <- names_for(expr, envir = workspace_of(...))
    label <- paste(deparse(expr), collapse = " ")
    expect(
      identical("my" %in% found, is_reached),
      sprintf("`%s` found %s", label, toString(found))
    )
  }
  ways <- list(
    function(f, x) match.fun(f)(x),
    function(f, x) do.call(f, list(x)),
    function(f, x) sapply(x, f),
    function(f, x) vapply(x, FUN = f, FUN.VALUE = 1),
    function(f, x) get(f)(x),
    function(f, x) eval(call(f, x)),
    function(f, x) eval(as.call(list(as.name(f), x))),
    function(f, x) eval(parse(text = f))(x),
    function(...) do.call(..1, list(..2)),
    function(...) {
      all <- list(...)
      do.call(all[[1]], all[-1])
    },
    function(f, x) exec(f, x)
  )
  for (way in ways) {
    expect_reached(quote(apply_it("my", 1)), apply_it = way)
    expect_reached(quote(apply_it(1, f = "my")), apply_it = way)
    expect_reached(quote(apply_it(c("sum", "my"), 1)), apply_it = way)
  }
  way <- ways[[1]]
  # Through variables, lists, defaults, other functions and methods.
  expect_reached(quote({
    local_name <- "my"
    apply_it(local_name, 1)
  }), apply_it = way)
  expect_reached(quote(apply_it(how, 1)), apply_it = way, how = "my")
  expect_reached(
    quote(apply_it(how, 1)), how = list(fun = "my"),
    apply_it = function(how, x) match.fun(how$fun)(x)
  )
  expect_reached(
    quote(apply_it(1)), apply_it = function(x, f = "my") do.call(f, list(x))
  )
  expect_reached(quote({
    apply_it <- function(f, x) match.fun(f)(x)
    apply_it("my", 1)
  }))
  expect_reached(
    quote(object$apply("my")),
    object = list(apply = eval(quote(function(f) match.fun(f)), globalenv()))
  )
  expect_reached(quote(call("my", 1)))
  expect_reached(quote(stats::optim(1, "my")))
  # A package's function that looks its argument up.
  withr::local_package("parallel")
  expect_reached(quote(clusterCall(cl, "my")))
})

test_that("text that names a function by chance is text", {
  workspace_of <- function(...) of_workspace(list(my = function(x) x, ...))
  expect_text <- function(expr, ...) {
    expect_false("my" %in% names_for(expr, envir = workspace_of(...)))
  }
  expect_text(quote(message("my")))
  expect_text(quote(paste("my", x)), x = 1)
  expect_text(quote(f("my")), f = function(x) lapply(x, function(y) y))
  expect_text(quote(f("my")), f = function(x) nchar(x))
  # A variable is only taken for the argument of a function that looks it up.
  found_in <- function(expr, ...) {
    names_for(expr, envir = of_workspace(list(big = 1:10, ...)))
  }
  label <- function(x) paste("big", x)
  expect_false("big" %in% found_in(quote(label(1)), label = label))
  read <- function(name) get(name)
  expect_true("big" %in% found_in(quote(read("big")), read = read))
  expect_false("big" %in% found_in(quote({
    message("big")
    read(1)
  }), read = read))
})

test_that("two dots before a name are data.table's", {
  expect_found(quote(dt[, ..columns]), c("dt", "columns"))
})
