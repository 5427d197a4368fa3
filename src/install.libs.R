# The shared library, where R looks for it, and beside it the programs and the
# module that workers start with. A worker's program is called R, as its process is;
# there is none where R is not a shared library.
copy <- function(files, folder, names = basename(files)) {
  folder <- file.path(R_PACKAGE_DIR, paste0(folder, R_ARCH))
  dir.create(folder, recursive = TRUE, showWarnings = FALSE)
  copied <- file.copy(files, file.path(folder, names), overwrite = TRUE)
  if (!all(copied)) stop("cannot install ", toString(files[!copied]))
}
copy(paste0("elsewhere", SHLIB_EXT), "libs")
copy(c("elsewhere-standin", "front-end.so"), "bin")
if (file.exists("elsewhere-r")) copy("elsewhere-r", "bin", "R")
# The check of compiled code wants to know which object calls what.
if (file.exists("symbols.rds")) copy("symbols.rds", "libs")
