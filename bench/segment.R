# What does it bring to keep shared memory for the next value, beside a socket
# and beside new shared memory for each value? Installs elsewhere three times:
#
#   kept    as it is
#   new     values from 512 KB on in new shared memory, the others by the socket
#   socket  all values by the socket
#
# and measures values of 128 KB to 64 MB there (an argument whose length comes
# back), back (a value that is made there) and both ways, in a session, in a
# pool, and back from a fork; and the same with the peers.
#
#   Rscript bench/segment.R [folder for the three libraries]
from_bytes <- function(bytes) {
  list(
    file = "src/engine/workers/parcel.h",
    before = "constexpr std::size_t kSegmentFromBytes =",
    line = sprintf(
      "inline constexpr std::size_t kSegmentFromBytes = %.0f;", bytes
    )
  )
}
keep_none <- list(
  file = "src/engine/shm/segment.cpp",
  before = "constexpr std::size_t kKeptMax =",
  line = "constexpr std::size_t kKeptMax = 0;"
)
ways <- list(
  kept = list(), new = list(from_bytes(2^19), keep_none),
  socket = list(from_bytes(2^40))
)

install_way <- function(way, library) {
  copy <- file.path(library, "source")
  dir.create(copy, recursive = TRUE)
  files <- system2("git", "ls-files", stdout = TRUE)
  for (folder in unique(dirname(files))) {
    dir.create(file.path(copy, folder), FALSE, recursive = TRUE)
  }
  file.copy(files, file.path(copy, files))
  for (change in ways[[way]]) {
    path <- file.path(copy, change$file)
    lines <- readLines(path)
    where <- grep(change$before, lines, fixed = TRUE)
    stopifnot(length(where) == 1L)
    lines[[where]] <- change$line
    writeLines(lines, path)
  }
  system2(
    file.path(R.home("bin"), "R"),
    c("CMD", "INSTALL", "--no-docs", paste0("--library=", library), copy),
    stdout = FALSE, stderr = FALSE
  )
  unlink(copy, recursive = TRUE)
}

# `run` has, by place, function(job, argument).
measure_jobs <- function(run, places = names(run)) {
  timed <- function(act, repetitions) {
    for (i in 1:2) act()
    seconds <- replicate(repetitions, {
      from <- Sys.time()
      act()
      as.double(Sys.time()) - as.double(from)
    })
    c(min(seconds), stats::median(seconds)) * 1000
  }
  jobs <- list(
    there = function(x) length(x), back = function(n) numeric(n),
    both = function(x) x
  )
  rows <- list()
  for (kilobytes in c(128, 512, 1024, 4096, 16384, 65536)) {
    x <- stats::runif(kilobytes * 128)
    repetitions <- max(5, min(20, 2^15 / kilobytes))
    for (place in places) {
      for (job in if (place == "fork") "back" else names(jobs)) {
        argument <- if (job == "back") length(x) else x
        times <- timed(
          function() run[[place]](jobs[[job]], argument), repetitions
        )
        rows[[length(rows) + 1L]] <- data.frame(
          kilobytes, place, job, min = times[[1L]], median = times[[2L]]
        )
      }
    }
  }
  do.call(rbind, rows)
}

measure_ours <- function(measure_jobs) {
  library(elsewhere)
  session <- r_session$new(wait_timeout = 60000)
  in_plan <- function(strategy) {
    function(job, argument) {
      if (!inherits(plan(), strategy)) plan(strategy, workers = 2)
      value(future(job(argument), seed = NULL))
    }
  }
  measure_jobs(list(
    session = function(job, argument) session$run(job, list(argument)),
    pool = in_plan("multisession"), fork = in_plan("multicore")
  ))
}

measure_peers <- function(measure_jobs) {
  session <- callr::r_session$new(wait_timeout = 60000)
  mirai::daemons(2)
  future::plan(future::multisession, workers = 2)
  on.exit(mirai::daemons(0))
  measure_jobs(list(
    callr = function(job, argument) session$run(job, list(argument)),
    mirai = function(job, argument) {
      mirai::mirai(job(argument), job = job, argument = argument)[]
    },
    future = function(job, argument) {
      future::value(future::future(job(argument), seed = NULL))
    }
  ))
}

least <- function(rows) {
  stats::aggregate(
    cbind(min, median) ~ way + kilobytes + place + job, data = rows, FUN = min
  )
}

# Taking turns, so that what the machine does besides meets all.
compare_ways <- function(folder, rounds = 2L) {
  rows <- list()
  for (round in seq_len(rounds)) {
    for (way in names(ways)) {
      found <- callr::r(
        measure_ours, list(measure_jobs),
        libpath = c(file.path(folder, way), .libPaths())
      )
      rows[[length(rows) + 1L]] <- cbind(way = way, found)
    }
    if (round > 1L) next
    found <- callr::r(measure_peers, list(measure_jobs))
    rows[[length(rows) + 1L]] <- cbind(way = "peer", found)
  }
  least(do.call(rbind, rows))
}

# Of `other` over kept, as "min / median".
ratios <- function(table, other, place, other_place = place) {
  at <- function(way, place) table[table$way == way & table$place == place, ]
  both <- merge(
    at("kept", place), at(other, other_place), by = c("kilobytes", "job"),
    suffixes = c("", ".other")
  )
  both$ratio <- sprintf(
    "%.2f / %.2f", both$min.other / both$min, both$median.other / both$median
  )
  wide <- stats::reshape(
    both[c("kilobytes", "job", "ratio")],
    direction = "wide", timevar = "job", idvar = "kilobytes"
  )
  names(wide) <- sub("^ratio\\.", "", names(wide))
  wide[order(wide$kilobytes), ]
}

folder <- commandArgs(trailingOnly = TRUE)
if (length(folder) == 0L) folder <- tempfile("libraries")
for (way in names(ways)) {
  library <- file.path(folder, way)
  if (!dir.exists(file.path(library, "elsewhere"))) install_way(way, library)
}
table <- compare_ways(folder)
utils::write.csv(table, file.path(folder, "times.csv"), row.names = FALSE)
for (place in c("session", "pool", "fork")) {
  for (other in c("new", "socket")) {
    cat("\n", other, "over kept,", place, "\n")
    print(ratios(table, other, place), row.names = FALSE)
  }
}
for (peer in c("callr", "mirai", "future")) {
  cat("\n", peer, "over kept\n")
  place <- if (peer == "callr") "session" else "pool"
  print(ratios(table, "peer", place, peer), row.names = FALSE)
}
