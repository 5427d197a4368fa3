# Every block of R code in the vignettes runs, each vignette in a process of its
# own, as a reader would run it.

test_that("the code of every vignette runs", {
  folder <- document_file("vignettes")
  files <- list.files(folder, "\\.Rmd$", full.names = TRUE)
  expect_gt(length(files), 0)
  for (file in files) {
    blocks <- document_blocks(file)
    expect_gt(length(blocks), 0)
    script <- withr::local_tempfile(fileext = ".R")
    writeLines(unlist(lapply(blocks, block_script)), script)
    result <- processx::run(
      file.path(R.home("bin"), "Rscript"), script,
      env = c("current", R_LIBS = paste(.libPaths(), collapse = ":")),
      wd = withr::local_tempdir(), timeout = 300, error_on_status = FALSE
    )
    expect_identical(
      list(basename(file), result$status, if (result$status) result$stderr),
      list(basename(file), 0L, NULL)
    )
  }
})
