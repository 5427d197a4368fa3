# What compiling a body costs by how deep it is nested: milliseconds, looks at a
# call as the compiler counts them, and with `--instructions` (minutes) those of
# the processor as valgrind counts them.
#
#   Rscript bench/nesting.R [--instructions]     prints a table for each form

suppressPackageStartupMessages(library(elsewhere))
compile <- elsewhere:::compile_body

forms <- alist(
  braces = {
    INNER
  },
  `if` = if (TRUE) INNER else other(),
  tryCatch = tryCatch(INNER, error = function(e) NULL),
  call = f(INNER),
  `braces in a call` = f({
    INNER
  })
)
depths <- c(100L, 200L, 400L, 800L)

nested <- function(depth, around) {
  inner <- quote(await(p))
  for (i in seq_len(depth)) {
    inner <- do.call(substitute, list(around, list(INNER = inner)))
  }
  inner
}

milliseconds <- function(body, times = 20L) {
  min(vapply(seq_len(times), function(i) {
    gc(full = FALSE)
    started <- Sys.time()
    compile(body, globalenv(), "async", TRUE)
    as.double(Sys.time() - started, units = "secs") * 1000
  }, 0))
}

# Those of a process that compiles it eleven times, less those of one that does
# it once.
instructions <- function(form, depth) {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  count <- function(times) {
    report <- system2(
      file.path(R.home("bin"), "R"),
      c(
        "-d", shQuote(paste(
          "valgrind --tool=callgrind --callgrind-out-file=/dev/null"
        )),
        "--vanilla", "--no-echo", "-f", shQuote(script), "--args", "--only",
        shQuote(form), depth, times
      ),
      stdout = TRUE, stderr = TRUE
    )
    line <- grep("Collected *:", report, value = TRUE)
    as.numeric(sub(".*: *", "", line[[1L]]))
  }
  (count(11L) - count(1L)) / 10
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) == 4L) {
  body <- nested(as.integer(arguments[[3L]]), forms[[arguments[[2L]]]])
  for (i in seq_len(as.integer(arguments[[4L]]))) {
    compile(body, globalenv(), "async", TRUE)
  }
  quit()
}

for (form in names(forms)) {
  cat("\n", form, "\n", sep = "")
  rows <- lapply(depths, function(depth) {
    body <- nested(depth, forms[[form]])
    program <- compile(body, globalenv(), "async", TRUE)
    data.frame(
      levels = depth, milliseconds = signif(milliseconds(body), 3),
      looks = if (length(program) > 9L) program[[10L]] else NA,
      instructions = if ("--instructions" %in% arguments &&
        depth %in% range(depths)) {
        signif(instructions(form, depth), 3)
      } else {
        NA
      }
    )
  })
  rows <- do.call(rbind, rows)
  print(rows, row.names = FALSE)
  last <- length(depths)
  times <- vapply(rows[-1L], function(cost) cost[[last]] / cost[[1L]], 0)
  cat("800 levels cost as 100, times:", format(times, digits = 3), "\n")
}
