# The command line of a check, `Rscript tools/check-rooms.R src`, say. `check`
# takes a folder and returns what is wrong, as lines.
run_check <- function(check, usage, all_is_well) {
  folder <- commandArgs(trailingOnly = TRUE)
  if (length(folder) != 1L) stop("usage: Rscript tools/", usage)
  wrong <- check(folder)
  if (length(wrong)) {
    writeLines(wrong)
    quit(status = 1L)
  }
  cat(all_is_well, "\n", sep = "")
}
