# What every report of a measurement says of where it comes from, and where it
# is written. `root` is the folder of this file.

# Two paragraphs: the commit, with a word if `paths` (of the repository) differ
# from it, and the machine.
origin <- function(root, paths) {
  c(paste("Commit", commit(root, paths)), "", machine())
}

machine <- function() {
  load <- strsplit(readLines("/proc/loadavg"), " ")[[1L]]
  cpu <- grep("^model name", readLines("/proc/cpuinfo"), value = TRUE)
  memory <- grep("^MemTotal", readLines("/proc/meminfo"), value = TRUE)
  kilobytes <- as.numeric(gsub("[^0-9]", "", memory))
  sprintf(
    "%s, %d cores, %.0f GB, Linux %s, %s; load average %s at the end",
    sub("^.*: *", "", cpu[[1L]]), parallel::detectCores(), kilobytes / 1024^2,
    Sys.info()[["release"]], R.version.string, load[[1L]]
  )
}

commit <- function(root, paths) {
  name <- git(root, "log", "-1", "--format=%h")
  if (!nzchar(name)) return("not from a clone")
  changed <- git(root, "status", "--porcelain", "--", file.path("..", paths))
  if (nzchar(changed)) paste(name, "with uncommitted changes") else name
}

git <- function(root, ...) {
  out <- suppressWarnings(tryCatch(
    system2("git", c("-C", root, ...), stdout = TRUE, stderr = FALSE),
    error = function(e) character()
  ))
  paste(out, collapse = "\n")
}

write_report <- function(root, question, lines) {
  file <- file.path(
    root, "results", sprintf("%s-%s.md", format(Sys.Date()), question)
  )
  dir.create(dirname(file), showWarnings = FALSE)
  writeLines(lines, file)
  cat("\nwritten:", file, "\n")
}
