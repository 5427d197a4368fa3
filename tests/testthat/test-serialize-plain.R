plain_values <- function() {
  list(
    NULL, TRUE, NA, 1L, NA_integer_, 1.5, NaN, -0, "a", NA_character_, "",
    character(), list(), list(1, "a", NULL, list(TRUE)), quote(x), quote(x + 1),
    quote(f(a = 1, b, , "s")), quote(x[, 1]), quote({
      y <- x
      y$z
    }),
    list(expr = quote(f(x, x, y)), globals = list(x = 1, y = letters)),
    structure(1:3, names = c("a", "b", "c")), factor(c("u", "v", "u")),
    matrix(1:4 + 0, 2), data.frame(a = c(1, 2), b = c("x", "y")),
    Sys.Date(), pairlist(a = 1, 2), as.call(list(as.name("f"), NULL, NA)),
    structure(quote(f(x)), class = "own"), globalenv(), baseenv(), emptyenv(),
    list(asNamespace("base"), quote(expr = )),
    "\u00e4\u4e2d", `Encoding<-`("\xe4", "latin1"),
    `Encoding<-`("\xff", "bytes"),
    as.name("\u00e4"), c(1e300, -Inf), 2147483647L, as.list(1:200)
  )
}

test_that("small values travel as R's own serialization would bring them", {
  for (value in plain_values()) {
    bytes <- .Call(ew_to_bytes, value, TRUE)
    expect_identical(unserialize(bytes), value)
    back <- unserialize(bytes)
    if (is.character(value)) expect_identical(Encoding(back), Encoding(value))
    # As R reads them, they are written again.
    expect_identical(
      serialize(back, NULL, version = 3L), serialize(value, NULL, version = 3L)
    )
  }
})

test_that("what R alone can write is written by R", {
  setClass("Traveller", representation(n = "numeric"))
  withr::defer(removeClass("Traveller"))
  deep <- 1
  for (i in 1:500) deep <- list(deep)
  shared <- new.env()
  shared$n <- 1
  values <- list(
    1:1e6, as.numeric(1:1e5), deep, mean, function(x) x + 1, 1i,
    as.raw(1:3), new("Traveller", n = 2), expression(a, b), quote(f(x))[[1]],
    as.list(seq_len(1e4)), strrep("x", 1e5), `+`
  )
  for (value in values) {
    back <- unserialize(.Call(ew_to_bytes, value, TRUE))
    expect_equal(back, value, ignore_function_env = TRUE)
  }
  back <- unserialize(.Call(ew_to_bytes, list(shared, shared, quote(x)), TRUE))
  expect_identical(back[[1]], back[[2]])
  expect_identical(back[[1]]$n, 1)
})

test_that("a look at lazy futures leaves next to nothing for R to collect", {
  local_plan(multisession, workers = 2)
  fs <- lapply(1:60, function(i) future(i, lazy = TRUE))
  is_started <- function(f) .subset2(f, "state") != "created"
  started_count <- function() sum(vapply(fs, is_started, NA))
  resolved(fs)
  cells <- looks <- started <- 0
  while (started_count() < length(fs)) {
    wait_until(function() pool_free(plans$backend$pool) == 2L)
    started_before <- started_count()
    before <- gc(reset = TRUE)
    resolved(fs)
    after <- gc()
    looks <- looks + 1
    started <- started + started_count() - started_before
    cells <- cells + after[1L, 5L] - before[1L, 1L]
  }
  # The way through R's functions took about 400 for each that was started.
  expect_gt(started, 0)
  expect_lt(cells, 200 * looks + 60 * started)
  expect_identical(unlist(value(fs)), 1:60)
})
