# Installs from CRAN what is missing or too old, and nothing else.
#
#   Rscript tools/dependencies.R test|demo|bench|fuzz|lint|shiny
#
# What elsewhere itself needs, and in which version, is in DESCRIPTION alone.

# What each purpose needs beyond the package's own dependencies: suggested
# packages (whose versions DESCRIPTION gives), or others by name. Vignettes are
# built where knitr, rmarkdown and pandoc happen to be: they need too much to be
# part of every test.
purposes <- list(
  demo = "survival",
  test = c(
    "callr", "codetools", "coro", "doFuture", "foreach", "furrr", "future",
    "future.apply", "future.tests", "iterators", "listenv", "progressr",
    "survival", "testthat", "withr"
  ),
  bench = c("callr", "coro", "future", "mirai", "testthat"),
  fuzz = character(),
  # Minutes to compile, so not part of `test`: what is missing is skipped there.
  shiny = c("chromote", "shiny", "survival", "testthat", "withr"),
  lint = c("lintr", "roxygen2")
)

# "later (>= 1.4.0), R6" as c(later = "1.4.0", R6 = "0").
parse_field <- function(field) {
  entries <- trimws(strsplit(paste(field, collapse = ","), ",")[[1L]])
  entries <- entries[nzchar(entries) & !is.na(entries) & entries != "NA"]
  name <- sub("[[:space:]]*\\(.*$", "", entries)
  version <- ifelse(
    grepl(">=", entries), gsub("^.*>=[[:space:]]*|\\).*$", "", entries), "0"
  )
  stats::setNames(version, name)[name != "R"]
}

strong_fields <- c("Depends", "Imports", "LinkingTo")

wanted_for <- function(purpose) {
  description <- read.dcf("DESCRIPTION")
  field <- function(name) {
    if (name %in% colnames(description)) parse_field(description[, name])
  }
  suggested <- field("Suggests")
  more <- purposes[[purpose]]
  versions <- suggested[more]
  versions[is.na(versions)] <- "0"
  strong <- unlist(lapply(strong_fields, field))
  c(strong, stats::setNames(versions, more))
}

has_version <- function(package, version) {
  found <- suppressWarnings(
    tryCatch(utils::packageVersion(package), error = function(e) NULL)
  )
  !is.null(found) && found >= version
}

# The packages to install so that each of `wanted` (name -> least version) is
# there: themselves, and whatever they need that is missing or too old.
# install.packages() alone would keep a dependency that is too old.
to_install <- function(wanted, available) {
  out <- character()
  while (length(wanted)) {
    name <- names(wanted)[[1L]]
    version <- wanted[[1L]]
    wanted <- wanted[-1L]
    if (name %in% out || has_version(name, version)) next
    if (!name %in% rownames(available)) {
      stop(sprintf("CRAN has no package `%s` for this R", name))
    }
    out <- c(out, name)
    needs <- parse_field(available[name, strong_fields])
    wanted <- c(wanted, needs)
  }
  out
}

choose_repository <- function() {
  repos <- getOption("repos")
  if (identical(unname(repos["CRAN"]), "@CRAN@")) {
    repos["CRAN"] <- "https://cloud.r-project.org"
    options(repos = repos)
  }
}

# R's ordinary library; the user's own if that one is not ours to write to.
choose_library <- function() {
  if (file.access(.libPaths()[[1L]], 2L) == 0L) return(.libPaths()[[1L]])
  user <- Sys.getenv("R_LIBS_USER")
  dir.create(user, FALSE, recursive = TRUE)
  .libPaths(c(user, .libPaths()))
  user
}

install_for <- function(purpose) {
  wanted <- wanted_for(purpose)
  is_there <- unlist(Map(has_version, names(wanted), wanted))
  if (all(is_there)) return(invisible())
  choose_repository()
  library <- choose_library()
  packages <- to_install(wanted[!is_there], utils::available.packages())
  cat("Installing from CRAN:", packages, "\n")
  utils::install.packages(
    packages,
    lib = library, dependencies = FALSE, quiet = TRUE,
    Ncpus = max(1L, parallel::detectCores(), na.rm = TRUE)
  )
  is_there <- unlist(Map(has_version, names(wanted), wanted))
  if (!all(is_there)) {
    stop(
      "These packages could not be installed: ",
      toString(names(wanted)[!is_there])
    )
  }
}

purpose <- commandArgs(trailingOnly = TRUE)
if (length(purpose) != 1L || !purpose %in% names(purposes)) {
  stop("usage: Rscript tools/dependencies.R ", toString(names(purposes)))
}
install_for(purpose)
