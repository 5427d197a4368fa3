# Starts a worker for an owner on another machine: an R that was started by ssh
# becomes, in the same process, an R that boots as a worker. Its standard input
# and output stay the same, and lead to the owner. The owner's command has found
# this package and runs this file; `place` is where the package is.
local({
  library_file <- dyn.load(file.path(
    place, "libs", .Platform$r_arch, paste0("elsewhere", .Platform$dynlib.ext)
  ))
  become <- getNativeSymbolInfo("ew_become_program", library_file)
  about <- readRDS(file.path(place, "Meta", "package.rds"))
  saved <- function(name) {
    value <- Sys.getenv(name, NA)
    if (!is.na(value)) paste0("ELSEWHERE_SAVED_", name, "=", value)
  }
  set <- c(
    paste0("ELSEWHERE_DLL=", library_file[["path"]]),
    "ELSEWHERE_ROLE=relay",
    paste0("ELSEWHERE_VERSION=", about$DESCRIPTION[["Version"]]),
    saved("R_PROFILE_USER"), saved("R_PROFILE"),
    paste0("R_PROFILE_USER=", file.path(place, "worker", "profile.R")),
    "R_PROFILE="
  )
  # This process ends without R's own end, which would have removed it.
  unlink(tempdir(), recursive = TRUE)
  own <- file.path(place, paste0("bin", .Platform$r_arch), "R")
  .Call(
    become, if (file.exists(own)) own else file.path(R.home("bin"), "R"),
    c("--no-readline", "--slave", "--no-save", "--no-restore"), set
  )
})
