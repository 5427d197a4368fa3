# Writes bench/results/<date>-engine.md from what Google Benchmark measured.
#
#   Rscript bench/cpp/report.R results.csv
#
# The file comes from `--benchmark_out_format=csv` with repetitions.

script <- grep("^--file=", commandArgs(), value = TRUE)
root <- file.path(dirname(sub("^--file=", "", script)), "..")
source(file.path(root, "report.R"))
source(file.path(root, "r", "measure.R"))

# The table begins after what the program says of itself.
read_measurements <- function(file) {
  lines <- readLines(file)
  table <- lines[seq(grep("^name,", lines)[[1L]], length(lines))]
  measured <- utils::read.csv(text = table)
  aggregate <- "_(mean|median|stddev|cv)$"
  single <- measured[!grepl(aggregate, measured$name), ]
  failed <- single$error_occurred %in% c(TRUE, "true")
  if (any(failed)) stop("failed: ", toString(single$name[failed]))
  single
}

# One row a benchmark: `min` and `median` of its repetitions, in seconds.
summarise_runs <- function(runs) {
  seconds <- runs$real_time * c(ns = 1e-9, us = 1e-6, ms = 1e-3)[runs$time_unit]
  name <- factor(runs$name, unique(runs$name))
  rate <- function(column) tapply(runs[[column]], name, stats::median)
  data.frame(
    name = sub("/real_time", "", levels(name), fixed = TRUE),
    min = as.vector(tapply(seconds, name, min)),
    median = as.vector(tapply(seconds, name, stats::median)),
    bytes = as.vector(rate("bytes_per_second")),
    items = as.vector(rate("items_per_second"))
  )
}

format_rates <- function(rows) {
  ifelse(
    !is.na(rows$bytes) & rows$bytes > 0,
    sprintf("%.2f GB/s", rows$bytes / 1e9),
    ifelse(!is.na(rows$items), sprintf("%.0f tasks/s", rows$items), "")
  )
}

file <- commandArgs(trailingOnly = TRUE)
if (length(file) != 1L) stop("usage: Rscript bench/cpp/report.R results.csv")
runs <- read_measurements(file)
rows <- summarise_runs(runs)
write_report(root, "engine", c(
  "# engine", "",
  origin(root, c("src", "bench/cpp", "tests/cpp/fakes")), "",
  paste(
    "Programs: `bench/cpp/`, run by `tools/dev bench engine`: the engine",
    "alone, without R. Wall time; the rate is that of the median. Behind a",
    "slash is the argument: bytes of a body or payload, MiB for `move_value`,",
    "workers for `submit_and_settle_many`."
  ), "",
  "| | min | median | rate |",
  "| --- | ---: | ---: | ---: |",
  sprintf(
    "| %s | %s | %s | %s |", rows$name, format_seconds(rows$min),
    format_seconds(rows$median), format_rates(rows)
  ), "",
  sprintf("%d repetitions.", nrow(runs) %/% nrow(rows))
))
