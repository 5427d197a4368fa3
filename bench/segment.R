# From which size on is a segment of shared memory quicker than the socket?
# Installs elsewhere twice, once for each, and measures values of 64 KB to 64 MB
# there (an argument whose length comes back), back (a value that is made there)
# and both ways, in a session and in a pool.
#
#   Rscript bench/segment.R [folder for the two libraries]
ways <- c(segment = 2^15, socket = 2^40)

install_way <- function(way, library) {
  copy <- file.path(library, "source")
  dir.create(copy, recursive = TRUE)
  files <- system2("git", "ls-files", stdout = TRUE)
  for (folder in unique(dirname(files))) {
    dir.create(file.path(copy, folder), FALSE, recursive = TRUE)
  }
  file.copy(files, file.path(copy, files))
  header <- file.path(copy, "src/engine/workers/parcel.h")
  lines <- readLines(header)
  where <- grep("constexpr std::size_t kSegmentFromBytes =", lines)
  stopifnot(length(where) == 1L)
  lines[[where]] <- sprintf(
    "inline constexpr std::size_t kSegmentFromBytes = %.0f;", ways[[way]]
  )
  writeLines(lines, header)
  system2(
    file.path(R.home("bin"), "R"),
    c("CMD", "INSTALL", "--no-docs", paste0("--library=", library), copy),
    stdout = FALSE, stderr = FALSE
  )
  unlink(copy, recursive = TRUE)
}

measure <- function() {
  library(elsewhere)
  best <- function(act, repetitions) {
    act()
    seconds <- replicate(repetitions, {
      from <- Sys.time()
      act()
      as.double(Sys.time()) - as.double(from)
    })
    c(min(seconds), stats::median(seconds)) * 1000
  }
  session <- r_session$new(wait_timeout = 60000)
  plan(multisession, workers = 2)
  in_session <- function(job, ...) session$run(job, list(...))
  in_pool <- function(job, ...) {
    arguments <- list(...)
    value(future(do.call(job, arguments), seed = NULL))
  }
  jobs <- list(
    there = function(x) length(x), back = function(n) numeric(n),
    both = function(x) x
  )
  rows <- list()
  for (kilobytes in 2^(6:16)) {
    n <- kilobytes * 128
    repetitions <- max(7, min(60, 2^16 / kilobytes))
    x <- stats::runif(n)
    for (place in c("session", "pool")) {
      run <- if (place == "session") in_session else in_pool
      for (job in names(jobs)) {
        argument <- if (job == "back") n else x
        times <- best(function() run(jobs[[job]], argument), repetitions)
        rows[[length(rows) + 1L]] <- data.frame(
          kilobytes, place, job, min = times[[1L]], median = times[[2L]]
        )
      }
    }
  }
  do.call(rbind, rows)
}

# Taking turns, so that what the machine does besides meets both.
compare_ways <- function(folder, rounds = 3L) {
  results <- list()
  for (round in seq_len(rounds)) {
    for (way in names(ways)) {
      found <- callr::r(
        measure, libpath = c(file.path(folder, way), .libPaths())
      )
      results[[length(results) + 1L]] <- cbind(way = way, found)
    }
  }
  all <- do.call(rbind, results)
  best <- stats::aggregate(cbind(min, median) ~ way + kilobytes + place + job,
    data = all, FUN = min
  )
  stats::reshape(best,
    direction = "wide", timevar = "way",
    idvar = c("kilobytes", "place", "job")
  )
}

folder <- commandArgs(trailingOnly = TRUE)
if (length(folder) == 0L) folder <- tempfile("libraries")
for (way in names(ways)) {
  library <- file.path(folder, way)
  if (!dir.exists(file.path(library, "elsewhere"))) install_way(way, library)
}
table <- compare_ways(folder)
table <- table[order(table$place, table$job, table$kilobytes), ]
table$ratio <- table$min.socket / table$min.segment
print(format(table, digits = 3), row.names = FALSE)
