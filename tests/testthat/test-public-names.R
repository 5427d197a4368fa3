# docs/public-names.md owns the table of exports; it is in the clone alone.

test_that("every export has its row in the table of public names", {
  file <- test_path("..", "..", "docs", "public-names.md")
  skip_if_not(file.exists(file), "docs/public-names.md is not here")
  rows <- grep("^\\|", readLines(file), value = TRUE)
  named <- unlist(regmatches(rows, gregexpr("`[^`]+`", rows)))
  named <- gsub("`|\\(\\)", "", named)
  exports <- getNamespaceExports("elsewhere")
  # The condition classes have one row, and typed maps share one.
  exports <- grep(
    "(Condition|Error|Warning|Message|Result)$|^future_map_",
    exports,
    value = TRUE, invert = TRUE
  )
  expect_identical(setdiff(exports, named), character())
})
