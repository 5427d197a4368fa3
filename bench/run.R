# Measures elsewhere beside its peers, all in this one run, and writes the
# report to bench/results/<date>-<question>.md.
#
#   Rscript bench/run.R                 every question: each file of bench/r
#   Rscript bench/run.R sessions async  these
#
# A question is a file of bench/r. Each function in it whose name begins with
# `bench_` is one measurement: called without arguments, it returns what
# compare() returns (see measure.R), ours being the first row. Its title is the
# function's name, or attribute "title" of what it returns. Each is made in an R
# process of its own: to start a process takes longer where others have left a
# large heap behind.

script <- grep("^--file=", commandArgs(), value = TRUE)
root <- dirname(sub("^--file=", "", script))
source(file.path(root, "report.R"))

questions <- function() {
  files <- list.files(file.path(root, "r"), "\\.R$")
  setdiff(sub("\\.R$", "", files), "measure")
}

# The measurements of a question: a named list of functions.
measurements_of <- function(question) {
  place <- new.env(parent = globalenv())
  sys.source(file.path(root, "r", "measure.R"), place)
  sys.source(file.path(root, "r", paste0(question, ".R")), place)
  mget(ls(place, pattern = "^bench_"), place, mode = "function")
}

run_question <- function(question) {
  measurements <- measurements_of(question)
  results <- lapply(stats::setNames(nm = names(measurements)), function(name) {
    cat("\n==", question, name, "\n")
    result <- in_own_process(question, name)
    attr(result, "title") <- title_of(result, name, question)
    cat(report_table(result), sep = "\n")
    result
  })
  results
}

in_own_process <- function(question, name) {
  output <- tempfile(fileext = ".rds")
  on.exit(unlink(output))
  status <- system2(
    file.path(R.home("bin"), "Rscript"),
    c(file.path(root, "run.R"), "--only", question, name, output)
  )
  if (status != 0L) stop("the measurement `", name, "` has failed")
  readRDS(output)
}

title_of <- function(result, name, question) {
  title <- attr(result, "title")
  if (!is.null(title)) return(title)
  words <- sub(paste0("^bench_(", question, "_)?"), "", name)
  gsub("_", " ", words)
}

# --- the report ---------------------------------------------------------------

report_table <- function(result) {
  seconds <- function(x) vapply(x, format_seconds, "")
  ratio <- function(x) formatC(signif(x, 3), format = "fg", digits = 3)
  rows <- sprintf(
    "| %s | %s | %s | %s | %s |", result$peer,
    seconds(result$min), seconds(result$median),
    ratio(result$ratio_min), ratio(result$ratio_median)
  )
  c(
    "| | min | median | ratio of min | ratio of median |",
    "| --- | ---: | ---: | ---: | ---: |",
    rows,
    "",
    sprintf(
      "%d repetitions, taking turns; calls a repetition: %s.",
      result$repetitions[[1L]], toString(unique(result$calls))
    )
  )
}

peers <- c(
  "callr", "future", "mirai", "nanonext", "coro", "async", "promises",
  "later", "processx"
)

# Peers that are not installed are said to be so, never left out in silence.
peer_versions <- function() {
  vapply(peers, function(package) {
    if (!requireNamespace(package, quietly = TRUE)) {
      return(paste(package, "not installed, so not measured"))
    }
    paste(package, utils::packageVersion(package))
  }, "")
}

report <- function(question, results) {
  sections <- lapply(results, function(result) {
    c(paste("##", attr(result, "title")), "", report_table(result), "")
  })
  c(
    paste("#", question), "",
    origin(root, c("R", "src", "bench/r")), "",
    paste0("Peers: ", toString(peer_versions()), "."), "",
    paste0(
      "Script: `bench/r/", question, ".R`, run by `tools/dev bench ", question,
      "`. Ratios are times of the peer over ours, within this run."
    ), "",
    unlist(sections)
  )
}

suppressPackageStartupMessages(library(elsewhere))
source(file.path(root, "r", "measure.R"))
wanted <- commandArgs(trailingOnly = TRUE)
if (length(wanted) == 4L && wanted[[1L]] == "--only") {
  saveRDS(measurements_of(wanted[[2L]])[[wanted[[3L]]]](), wanted[[4L]])
  quit("no")
}
if (length(wanted) == 0L) wanted <- questions()
unknown <- setdiff(wanted, questions())
if (length(unknown)) {
  stop(
    "there is no question `", unknown[[1L]], "`; there are: ",
    toString(questions())
  )
}
for (question in wanted) {
  write_report(root, question, report(question, run_question(question)))
}
