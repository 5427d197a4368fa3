# The examples in the manuals of coro and of the async package, taken from their
# source packages when the tests run, with our functions behind their names.
# Seconds pass a hundred times faster there.

# Runs the examples of each page of `root`/man in an R process of its own; what
# they print, by page, in the order of the alphabet: tasks that sleep print in
# an order that depends on the machine. An error of an example is among it.
run_examples <- function(root, prepare) {
  output <- withr::local_tempfile(fileext = ".rds")
  code <- substitute({
    shim <- (PREPARE)(ROOT)
    shim$interactive <- function() requireNamespace("magrittr", quietly = TRUE)
    run_page <- function(page) {
      script <- tempfile(fileext = ".R")
      tools::Rd2ex(page, script)
      if (!file.exists(script)) return(NULL)
      env <- new.env(parent = shim)
      run_all <- function() {
        for (expr in parse(script, keep.source = FALSE)) {
          shown <- withVisible(eval(expr, env))
          # Functions and promises print in their package's own way.
          is_plain <- is.atomic(shown$value) ||
            identical(class(shown$value), "list")
          if (shown$visible && is_plain) print(shown$value)
        }
        while (!later::loop_empty()) later::run_now(1)
      }
      sort(utils::capture.output(tryCatch(run_all(), error = function(e) {
        cat("Error:", conditionMessage(e), "\n")
      })))
    }
    pages <- list.files(file.path(ROOT, "man"), "[.]Rd$", full.names = TRUE)
    seen <- lapply(pages, run_page)
    names(seen) <- basename(pages)
    saveRDS(Filter(Negate(is.null), seen), OUTPUT)
  }, list(PREPARE = prepare, ROOT = root, OUTPUT = output))
  runner <- local_r_process(deparse(code))
  runner$wait(300000)
  if (!file.exists(output)) {
    stop("the examples ended early: ", runner$read_all_output())
  }
  readRDS(output)
}

sleeping_faster <- function(shim_code) {
  bquote(function(root) {
    shim <- .(shim_code)(root)
    shim$async_sleep <- function(seconds) coro::async_sleep(seconds / 100)
    shim
  })
}

test_that("the examples of coro's manual do what they do with coro", {
  root <- local_sources("coro", "1.1.0")
  ours <- run_examples(root, sleeping_faster(coro_shim))
  coros <- run_examples(
    root, sleeping_faster(quote(function(root) {
      new.env(parent = asNamespace("coro"))
    }))
  )
  expect_gt(length(ours), 5L)
  expect_identical(ours, coros)
  expect_false(any(grepl("^Error", unlist(ours))))
})

test_that("the examples of the async package's manual run", {
  root <- local_sources("async", "0.3.2", needs = "iterors")
  seen <- run_examples(root, quote(function(root) {
    shim <- new.env(parent = globalenv())
    for (name in getNamespaceExports("elsewhere")) {
      assign(name, getExportedValue("elsewhere", name), shim)
    }
    shim$delay <- function(secs, expr = NULL) {
      elsewhere::delay(secs / 100, expr)
    }
    shim
  }))
  expect_false(any(grepl("^Error", unlist(seen))))
  # What they are there to show.
  expect_identical(seen[["async.Rd"]], paste(1:4, ""))
  expect_identical(seen[["delay.Rd"]], "Time's up!")
  expect_setequal(seen[["stream.Rd"]], paste("[1]", cumsum(1:10)))
  expect_identical(seen[["run.Rd"]], "[1]  2  7 12 17 22 27 32")
})
