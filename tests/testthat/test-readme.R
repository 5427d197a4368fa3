# The examples of the README run as printed. The file is at the root of a clone,
# not in the installed package.

# What an R console would print for `code`, after each expression as `#> `
# lines.
transcript <- function(code, env) {
  expressions <- parse(text = code, keep.source = TRUE)
  unlist(lapply(seq_along(expressions), function(i) {
    shown <- utils::capture.output({
      result <- withVisible(eval(expressions[[i]], env))
      if (result$visible) print(result$value)
    })
    source <- as.character(attr(expressions, "srcref")[[i]])
    c(source, if (length(shown)) paste("#>", shown))
  }))
}

test_that("the README's examples print what it says", {
  # What serves the whole process stays: the I/O thread and the nursery.
  local_leak_check(allow = "elsewhere-io|anon_inode|socket:|pipe:|--slave")
  withr::local_options(digits = 7)
  blocks <- document_blocks(document_file("README.md"))
  code <- unlist(lapply(blocks, `[[`, "lines"))
  expect_gt(length(code), 20)
  # As a reader types them: at top level, where closures carry nothing along.
  before <- ls(globalenv())
  withr::defer({
    plan(sequential)
    rm(list = setdiff(ls(globalenv()), before), envir = globalenv())
  })
  expect_identical(transcript(code, globalenv()), code[nzchar(code)])
})
