# Fails on a line of R that is longer than 80 columns: the one thing that lintr
# would say most often, without lintr.
#
#   Rscript tools/check-lines.R folder ...

columns_max <- 80L

long_lines <- function(file) {
  lines <- readLines(file, warn = FALSE, encoding = "UTF-8")
  width <- nchar(lines, type = "chars", allowNA = TRUE)
  at <- which(width > columns_max | is.na(width))
  sprintf("%s:%d: %s columns", file, at, width[at])
}

folders <- commandArgs(trailingOnly = TRUE)
files <- list.files(folders, "\\.R$", recursive = TRUE, full.names = TRUE)
if (length(files) == 0L) stop("usage: Rscript tools/check-lines.R folder ...")
wrong <- unlist(lapply(files, long_lines))
if (length(wrong)) {
  writeLines(wrong)
  quit(status = 1L)
}
cat("no line is too long\n")
