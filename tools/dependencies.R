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

# Of the first library that has it, which is the one that R loads. Asked of the
# files: a package that is loaded already may have been replaced since.
installed_version <- function(package) {
  folder <- find_package(package)
  if (is.null(folder)) return(NULL)
  package_version(read.dcf(file.path(folder, "DESCRIPTION"), "Version")[[1L]])
}

find_package <- function(package) {
  folders <- file.path(.libPaths(), package)
  # Without `Meta` it is the rest of an installation that failed.
  is_there <- file.exists(file.path(folders, "Meta", "package.rds"))
  if (any(is_there)) folders[is_there][[1L]]
}

has_version <- function(package, version) {
  found <- installed_version(package)
  !is.null(found) && found >= version
}

# What an installed package says that it needs itself.
needs_of_installed <- function(package) {
  description <- read.dcf(file.path(find_package(package), "DESCRIPTION"))
  fields <- intersect(c("Depends", "Imports"), colnames(description))
  parse_field(description[, fields])
}

# `wanted` (name -> least version), and what that needs in turn, as far as it is
# missing or too old. A new testthat beside the cli of an old distribution
# cannot be loaded, whoever installed it there.
unmet <- function(wanted) {
  out <- character()
  seen <- character()
  while (length(wanted)) {
    one <- wanted[1L]
    wanted <- wanted[-1L]
    if (!has_version(names(one), one)) {
      out <- c(out, one)
    } else if (!names(one) %in% seen) {
      seen <- c(seen, names(one))
      wanted <- c(wanted, needs_of_installed(names(one)))
    }
  }
  out
}

# The packages to install for `missing`: themselves, and whatever they need that
# is missing or too old. install.packages() alone would keep a dependency that
# is too old.
to_install <- function(missing, available) {
  out <- character()
  while (length(missing)) {
    one <- missing[1L]
    missing <- missing[-1L]
    name <- names(one)
    if (name %in% out) next
    if (has_version(name, one)) {
      missing <- c(missing, unmet(one))
      next
    }
    on_offer <- if (name %in% rownames(available)) available[name, "Version"]
    if (is.null(on_offer) || package_version(on_offer) < one) {
      stop(sprintf(
        "%s has no `%s` of version %s or newer for R %s: install it by hand",
        getOption("repos")[["CRAN"]], name, one, getRversion()
      ))
    }
    out <- c(out, name)
    missing <- c(missing, parse_field(available[name, strong_fields]))
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
  first <- .libPaths()[[1L]]
  if (file.access(first, 2L) == 0L) return(first)
  user <- path.expand(Sys.getenv("R_LIBS_USER"))
  if (!nzchar(user) || !dir.create(user, FALSE, TRUE) && !dir.exists(user)) {
    stop(sprintf(
      paste(
        "`%s` cannot be written to, nor can R_LIBS_USER, `%s`: set that to a",
        "folder of yours"
      ),
      first, user
    ))
  }
  .libPaths(c(user, .libPaths()))
  user
}

install_for <- function(purpose) {
  wanted <- wanted_for(purpose)
  missing <- unmet(wanted)
  if (length(missing) == 0L) return(invisible())
  choose_repository()
  library <- choose_library()
  available <- utils::available.packages()
  if (nrow(available) == 0L) {
    stop(sprintf(
      "%s cannot be reached to install: %s",
      getOption("repos")[["CRAN"]], toString(names(missing))
    ))
  }
  packages <- to_install(missing, available)
  cat("Installing from CRAN:", packages, "\n")
  utils::install.packages(
    packages,
    lib = library, dependencies = FALSE, quiet = TRUE,
    Ncpus = max(1L, parallel::detectCores(), na.rm = TRUE)
  )
  missing <- unmet(wanted)
  if (length(missing)) {
    stop(
      "These packages could not be installed: ",
      toString(sprintf("%s (>= %s)", names(missing), missing))
    )
  }
}

purpose <- commandArgs(trailingOnly = TRUE)
if (length(purpose) != 1L || !purpose %in% names(purposes)) {
  stop("usage: Rscript tools/dependencies.R ", toString(names(purposes)))
}
install_for(purpose)
