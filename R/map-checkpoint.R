# What a map keeps in a folder, so that it can go on where it was interrupted: a
# description of the map, and one file with the values of each finished chunk. A
# file is written under another name first, so that none is ever half a file.

# list(done, values, seeds, keep): the positions that are there and their
# values, the seeds of the map that began it, and keep(positions, values), which
# adds a chunk. Without a folder nothing is there and nothing is kept.
map_checkpoint <- function(folder, x, f, args, seed, seeds) {
  if (is.null(folder)) {
    return(list(
      done = integer(), values = list(), seeds = seeds,
      keep = function(positions, values) NULL
    ))
  }
  check_string(folder, ".checkpoint")
  if (!dir.exists(folder) && !dir.create(folder, FALSE, TRUE)) {
    abort(
      sprintf(
        "`.checkpoint` folder %s cannot be created.", sQuote(folder, FALSE)
      ),
      "elsewhere_bad_checkpoint", path = folder
    )
  }
  folder <- normalizePath(folder)
  about <- list(
    version = 1L, count = length(x), map = fingerprint(list(x, args)),
    code = fingerprint(deparse(f)), seed = fingerprint(seed), seeds = seeds
  )
  path <- file.path(folder, "map.rds")
  if (file.exists(path)) {
    seeds <- refuse_other_map(readRDS(path), about, folder)$seeds
  } else {
    write_whole(about, path)
  }
  chunks <- lapply(
    sort(list.files(folder, "^chunk-[0-9]+-[0-9]+[.]rds$", full.names = TRUE)),
    readRDS
  )
  list(
    done = unlist(lapply(chunks, `[[`, "positions")),
    values = unlist(lapply(chunks, `[[`, "values"), recursive = FALSE),
    seeds = seeds,
    keep = function(positions, values) {
      name <- sprintf(
        "chunk-%09d-%09d.rds", positions[[1L]], positions[[length(positions)]]
      )
      write_whole(
        list(positions = positions, values = values), file.path(folder, name)
      )
    }
  )
}

refuse_other_map <- function(kept, about, folder) {
  same <- c("version", "count", "map", "code", "seed")
  differs <- same[!mapply(identical, kept[same], about[same])]
  if (!length(differs)) return(kept)
  words <- c(
    version = "the version of elsewhere", count = "the length of `.x`",
    map = "`.x` or the arguments of `.f`", code = "the code of `.f`",
    seed = "`.seed`"
  )
  abort(
    sprintf(
      paste(
        "`.checkpoint` folder %s belongs to another map: %s differs.",
        "Use another folder, or delete this one."
      ),
      sQuote(folder, FALSE), paste(words[differs], collapse = ", ")
    ),
    "elsewhere_bad_checkpoint", path = folder, differs = differs
  )
}

fingerprint <- function(value, path = tempfile()) {
  on.exit(unlink(path))
  # Version 2 writes a range as the numbers that it stands for.
  bytes <- serialize(value, NULL, version = 2L)
  problem <- io_problem(writeBin(bytes, path))
  # An incomplete file would have the fingerprint of other maps, too.
  if (!is.null(problem)) cannot_write(path, problem)
  unname(tools::md5sum(path))
}

write_whole <- function(value, path) {
  half <- tempfile(".half-", dirname(path))
  on.exit(unlink(half))
  # Closing a compressed file does not report that the disk was full: the file
  # is complete if it can be read.
  problem <- tryCatch(
    {
      saveRDS(value, half)
      readRDS(half)
      NULL
    },
    error = conditionMessage
  )
  if (is.null(problem)) problem <- io_problem(file.rename(half, path))
  if (!is.null(problem)) cannot_write(path, problem)
}

# Why reading or writing failed, or NULL: some of it is said by a warning alone.
io_problem <- function(expr) {
  problem <- NULL
  tryCatch(
    withCallingHandlers(expr, warning = function(w) {
      problem <<- c(problem, conditionMessage(w))
      invokeRestart("muffleWarning")
    }),
    error = function(e) problem <<- c(problem, conditionMessage(e))
  )
  if (length(problem)) problem[[1L]]
}

cannot_write <- function(path, problem) {
  abort(
    sprintf(
      "`.checkpoint`: %s cannot be written: %s. %s", sQuote(path, FALSE),
      sub("[.]$", "", problem),
      "Results stored before are kept; the same call continues from there."
    ),
    "elsewhere_bad_checkpoint", path = path
  )
}
