test_that("the path to what cannot travel is R code", {
  connection <- file(tempfile(), "w")
  withr::defer(close(connection))
  expect_null(find_reference(list(1, mtcars, mean, globalenv())))
  expect_identical(
    find_reference(list(1, list(con = connection)), "args"),
    list(path = "args[[2]]$con", class = "file")
  )
  holder <- new.env()
  holder$self <- holder
  holder$inner <- list(connection)
  expect_identical(find_reference(holder)$path, "x$inner[[1]]")
  keeper <- local({
    kept <- connection
    function() kept
  })
  expect_identical(find_reference(keeper, "f")$path, "environment(f)$kept")
  expect_null(find_reference(keeper, closures = "none"))
  tagged <- structure(1, tag = connection)
  expect_identical(find_reference(tagged)$path, "attr(x, \"tag\")")
})

path_to <- function(...) find_reference(...)$path

test_that("the path leads through whatever may hold something", {
  con <- rawConnection(raw())
  withr::defer(close(con))
  expect_identical(path_to(list(m = list(`a b` = con))), "x$m$`a b`")
  expect_identical(path_to(list(a = 1, a = con)), "x[[2]]")
  expect_identical(path_to(as.call(list(as.name("f"), con)), "e"), "e[[2]]")
  f <- function(a = 1) NULL
  formals(f)$a <- con
  environment(f) <- globalenv()
  expect_identical(path_to(f, "f"), "formals(f)$a")
  body(f) <- call("length", con)
  formals(f)$a <- 1
  expect_identical(path_to(f, "f"), "body(f)[[2]]")
  outer <- new.env(parent = globalenv())
  outer$con <- con
  expect_identical(path_to(new.env(parent = outer)), "parent.env(x)$con")
  active <- new.env(parent = globalenv())
  makeActiveBinding("now", local({
    held <- con
    function() stop("it was evaluated")
  }), active)
  expect_identical(
    path_to(active), "environment(activeBindingFunction(\"now\", x))$held"
  )
  lazy <- new.env(parent = globalenv())
  delayedAssign("late", stop("it was evaluated"), outer, lazy)
  expect_identical(path_to(lazy), "environment(promise x$late)$con")
  where <- globalenv()
  setClass("Held", representation(pointer = "ANY"), where = where)
  withr::defer(removeClass("Held", where = where))
  found <- find_reference(list(model = methods::new("Held", pointer = con)))
  expect_identical(found$path, "x$model@pointer")
  expect_identical(found$holder, "Held")
  expect_match(
    describe_reference(found),
    "`x$model@pointer` (rawConnection, part of a Held)",
    fixed = TRUE
  )
})

test_that("the path is the shortest, through cycles and shared parts", {
  con <- rawConnection(raw())
  withr::defer(close(con))
  holder <- new.env(parent = globalenv())
  holder$self <- holder
  deep <- list(con)
  for (i in 1:50) deep <- list(deep, deep)
  holder$deep <- deep[[1]][[1]][[1]]
  holder$short <- list(list(con))
  search <- function(x) .Call(ew_find_reference, x, "x", "whole", NULL, 1e6)
  # R's serialization would not end for all that is shared here.
  expect_identical(search(holder)$path, "x$short[[1]][[1]]")
  expect_identical(
    search(list(1, deep))$path,
    paste0("x[[2]]", strrep("[[1]]", 51))
  )
})

test_that("a search through very much ends, and says so", {
  con <- rawConnection(raw())
  withr::defer(close(con))
  many <- c(lapply(1:5000, list), con = list(con))
  expect_identical(path_to(many), "x$con")
  found <- find_reference(many, most = 1000)
  expect_null(found$path)
  expect_match(describe_reference(found, "the arguments"), "too large")
  expect_error(
    abort_cannot_travel(found), "somewhere in the arguments",
    class = "elsewhere_cannot_travel"
  )
})

test_that("the search loses nothing and keeps nothing under gctorture", {
  con <- rawConnection(raw())
  withr::defer(close(con))
  inner <- new.env(parent = globalenv())
  inner$`the con` <- list(con)
  keeper <- function(x) inner
  environment(keeper) <- list2env(list(inner = inner), parent = globalenv())
  value <- list(1, keeper)
  gctorture(TRUE)
  found <- .Call(ew_find_reference, value, "x", "whole", NULL, 1e4)
  gctorture(FALSE)
  expect_identical(found$path, "environment(x[[2]])$inner$`the con`[[1]]")
})

test_that("a refused value says where in it the reference is", {
  withr::defer(plan(sequential))
  for (strategy in c("multisession", "multicore")) {
    plan(strategy, workers = 2)
    f <- future(list(a = 1, m = list(rawConnection(raw()))))
    refused <- suppressWarnings(error_of(value(f)))
    expect_s3_class(refused, "elsewhere_cannot_travel")
    expect_s3_class(refused, "FutureError")
    expect_identical(refused$path, "value$m[[1]]")
    expect_identical(refused$reference_class, "rawConnection")
    expect_match(
      conditionMessage(refused), "`value$m[[1]]` (rawConnection) does not work",
      fixed = TRUE
    )
  }
})

test_that("a refused value of a map names the element", {
  local_plan(multisession, workers = 2)
  refused <- suppressWarnings(error_of(future_map(1:20, function(i) {
    if (i == 17) list(con = rawConnection(raw())) else i
  })))
  expect_identical(refused$path, "value[[17]]$con")
})

test_that("what a future needs is refused with the path as a field", {
  local_plan(multisession, workers = I(1))
  con <- rawConnection(raw())
  withr::defer(close(con))
  model <- structure(list(ptr = con), class = "booster")
  refused <- error_of(future(length(model)))
  expect_identical(refused$path, "model$ptr")
  expect_identical(refused$reference_class, "rawConnection")
  expect_identical(refused$holder_class, "booster")
  code <- bquote(length(.(con)))
  refused <- error_of(future(code, substitute = FALSE))
  expect_identical(refused$path, "expr[[2]]")
  withr::local_options(future.globals.onReference = "warning")
  warned <- tryCatch(future(length(model)), FutureWarning = identity)
  expect_identical(warned$path, "model$ptr")
  withr::local_options(future.globals.onReference = NULL)
  expect_error(
    everywhere(length(model)), "`model$ptr` (rawConnection, part of a booster)",
    fixed = TRUE, class = "elsewhere_cannot_travel"
  )
})

test_that("an argument that cannot travel is named before anything is sent", {
  session <- local_session()
  connection <- file(tempfile(), "w")
  withr::defer(close(connection))
  error <- expect_error(
    session$run(function(x) x, list(list(con = connection))),
    "`args[[1]]$con` (file) cannot be sent",
    fixed = TRUE, class = "elsewhere_cannot_travel"
  )
  expect_s3_class(error, "callr_error")
  expect_identical(session$get_state(), "idle")
  expect_identical(session$run(function() 1), 1)
})

test_that("reference classes and S4 classes of the workspace travel", {
  program <- c(
    "library(elsewhere)", "plan(multisession, workers = 2)",
    "Counter <- setRefClass('Counter', fields = list(n = 'numeric'),",
    "  methods = list(up = function() { n <<- n + step; invisible(.self) }))",
    "step <- 4",
    "counter <- Counter$new(n = 10)",
    "cat('new', value(future(Counter$new(n = 1)$up()$n)), '\\n')",
    "cat('object', value(future({ counter$up()$up(); counter$n })), '\\n')",
    "cat('back', value(future(counter))$up()$n, '\\n')",
    "setClass('Point', representation(x = 'numeric'))",
    "cat('class', value(future(new('Point', x = 7)@x)), '\\n')",
    "up <- function(i) Counter$new(n = i)$up()$n",
    "cat('map', unlist(future_map(1:2, up)), '\\n')"
  )
  owner <- local_r_process(program)
  output <- owner$read_all_output()
  expect_match(output, "new 5 ")
  expect_match(output, "object 18 ")
  expect_match(output, "back 14 ")
  expect_match(output, "class 7 ")
  expect_match(output, "map 5 6 ")
})

test_that("the refusal names the variable", {
  local_plan(multisession, workers = 2)
  held <- list(inner = textConnection("a"))
  withr::defer(close(held$inner))
  message <- conditionMessage(error_of(future(length(held))))
  expect_match(
    message, "reference: `held$inner` (textConnection)", fixed = TRUE
  )
})

test_that("what is built on fastmap travels, and works where it arrives", {
  skip_if_not_installed("fastmap")
  local_plan(multisession, workers = I(1))
  map <- getExportedValue("fastmap", "fastmap")()
  map$set("key", 42)
  expect_identical(value(future(map$get("key"))), 42)
  back <- value(future({
    map$set("other", 1)
    map
  }))
  expect_setequal(back$keys(), c("key", "other"))
  connection <- rawConnection(raw())
  withr::defer(close(connection))
  map$set("dead", connection)
  refused <- error_of(future(map$get("key")))
  expect_s3_class(refused, "elsewhere_cannot_travel")
  expect_match(conditionMessage(refused), "values[[", fixed = TRUE)
})
