# Measures two builds of elsewhere by turns, each time in a process of its own, and
# prints how many times longer the second takes. Without the peers.
#
#   Rscript bench/before_after.R LIBRARY_BEFORE LIBRARY_AFTER [rounds [question ...]]
#
# Each library holds an installed elsewhere.

script <- grep("^--file=", commandArgs(), value = TRUE)
root <- dirname(sub("^--file=", "", script))
arguments <- commandArgs(trailingOnly = TRUE)
libraries <- stats::setNames(arguments[1:2], c("before", "after"))
rounds <- if (length(arguments) > 2L) as.integer(arguments[[3L]]) else 5L
asked <- arguments[-(1:3)]

measurements <- function(question) {
  place <- new.env(parent = globalenv())
  sys.source(file.path(root, "r", "measure.R"), place)
  sys.source(file.path(root, "r", paste0(question, ".R")), place)
  ls(place, pattern = "^bench_")
}

# Our row of one measurement, or NULL if it has failed.
measure <- function(library, question, name) {
  output <- tempfile(fileext = ".rds")
  on.exit(unlink(output))
  status <- system2(
    file.path(R.home("bin"), "Rscript"),
    c(shQuote(file.path(root, "run.R")), "--only", question, name, output),
    env = c(paste0("R_LIBS=", library), "ELSEWHERE_BENCH_ALONE=true"),
    stdout = FALSE, stderr = FALSE
  )
  if (status == 0L) readRDS(output)[1L, ]
}

compare_builds <- function(question, name) {
  rows <- list(before = NULL, after = NULL)
  for (i in seq_len(rounds)) {
    # Not always in the other's wake.
    for (build in sample(names(libraries))) {
      rows[[build]] <- rbind(
        rows[[build]], measure(libraries[[build]], question, name)
      )
    }
  }
  if (is.null(rows$before) || is.null(rows$after)) {
    return(cat(sprintf("%-10s %-36s failed\n", question, name)))
  }
  us <- function(seconds) seconds * 1e6
  cat(sprintf(
    "%-10s %-36s %10.1f us %10.1f us   min %.2f   median %.2f\n",
    question, sub("^bench_", "", name), us(min(rows$before$min)),
    us(min(rows$after$min)), min(rows$after$min) / min(rows$before$min),
    stats::median(rows$after$median) / stats::median(rows$before$median)
  ))
}

cat(sprintf(
  "%-10s %-36s %13s %13s   after / before\n", "", "", "before", "after"
))
for (question in if (length(asked)) asked else c("sessions", "futures", "async")) {
  for (name in measurements(question)) compare_builds(question, name)
}
