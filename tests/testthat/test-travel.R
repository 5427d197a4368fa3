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

test_that("an argument that cannot travel is named before anything is sent", {
  session <- local_session()
  connection <- file(tempfile(), "w")
  withr::defer(close(connection))
  error <- expect_error(
    session$run(function(x) x, list(list(con = connection))),
    "`args[[1]]$con` (file) cannot travel",
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
  expect_match(message, "reference: held$inner, of class", fixed = TRUE)
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
