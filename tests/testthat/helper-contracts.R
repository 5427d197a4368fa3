# Tests of other packages, taken from their source packages when the tests run,
# and run against our functions.

# The folder of the sources of `package`: that which the environment variable
# ELSEWHERE_<PACKAGE>_SOURCE names, else CRAN's in `version`, which is the one
# whose tests the contract knows: a release of theirs is no failure of ours.
# NULL if neither can be had.
source_of <- function(package, version, folder) {
  named <- Sys.getenv(sprintf("ELSEWHERE_%s_SOURCE", toupper(package)))
  if (nzchar(named)) return(named)
  repository <- getOption("repos")[["CRAN"]]
  if (identical(repository, "@CRAN@")) {
    repository <- "https://cloud.r-project.org"
  }
  withr::local_options(timeout = 60)
  for (place in c("", paste0("Archive/", package, "/"))) {
    address <- sprintf(
      "%s/src/contrib/%s%s_%s.tar.gz", repository, place, package, version
    )
    source <- source_from(address, package, folder)
    if (!is.null(source)) return(source)
  }
  NULL
}

# The same for a test: skips it where the sources cannot be had, or a package
# of `needs` is not installed or is older than those. They go when the test has
# ended.
local_sources <- function(package, version, needs = package,
                          env = parent.frame()) {
  testthat::skip_on_cran()
  # Its tests use functions of their package, which an older one may lack.
  least <- ifelse(needs == package, version, "0")
  for (i in seq_along(needs)) {
    testthat::skip_if_not_installed(needs[[i]], minimum_version = least[[i]])
  }
  root <- source_of(package, version, withr::local_tempdir(.local_envir = env))
  testthat::skip_if(is.null(root), sprintf(
    "the sources of %s cannot be had; ELSEWHERE_%s_SOURCE may name a checkout",
    package, toupper(package)
  ))
  root
}

# NULL if it is not there, or was cut short on its way.
source_from <- function(address, package, folder) {
  archive <- file.path(folder, basename(address))
  is_here <- tryCatch(
    {
      suppressWarnings({
        utils::download.file(address, archive, mode = "wb", quiet = TRUE)
        utils::untar(archive, exdir = folder) == 0L
      })
    },
    error = function(e) FALSE
  )
  if (is_here) file.path(folder, package)
}

# Runs test files in an R process of its own. `prepare` makes the environment
# that they see, from the folder of their sources; `edit` is applied to their
# lines. A data frame with columns `name` (file and test), `failed`.
run_contract <- function(root, files, prepare, edit = identity) {
  folder <- withr::local_tempdir()
  for (file in files) {
    lines <- readLines(file.path(root, "tests", "testthat", file))
    writeLines(edit(lines), file.path(folder, file))
  }
  output <- file.path(folder, "results.rds")
  code <- substitute({
    library(testthat)
    shim <- (PREPARE)(ROOT)
    results <- lapply(FILES, function(file) {
      data <- as.data.frame(test_file(
        file.path(FOLDER, file),
        env = new.env(parent = shim), package = NULL, load_package = "none",
        reporter = "silent", stop_on_failure = FALSE
      ))
      data.frame(
        name = paste0(file, ": ", data$test),
        failed = data$failed > 0 | data$error
      )
    })
    saveRDS(do.call(rbind, results), OUTPUT)
  }, list(
    PREPARE = prepare, ROOT = root, FILES = files, FOLDER = folder,
    OUTPUT = output
  ))
  runner <- local_r_process(deparse(code))
  runner$wait(500000)
  if (!file.exists(output)) {
    stop("the run of the tests ended early: ", runner$get_exit_status())
  }
  readRDS(output)
}

# Fails unless the tests that fail are those that `reasons` names, and no
# others.
expect_contract <- function(results, reasons) {
  failed <- unique(results$name[results$failed])
  expect_identical(sort(setdiff(failed, names(reasons))), character())
  expect_identical(sort(setdiff(names(reasons), failed)), character())
}
