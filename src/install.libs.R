# The shared library, where R looks for it, and the program beside it.
libraries <- file.path(R_PACKAGE_DIR, paste0("libs", R_ARCH))
dir.create(libraries, recursive = TRUE, showWarnings = FALSE)
file.copy(Sys.glob(paste0("*", SHLIB_EXT)), libraries, overwrite = TRUE)
programs <- file.path(R_PACKAGE_DIR, paste0("bin", R_ARCH))
dir.create(programs, recursive = TRUE, showWarnings = FALSE)
file.copy("elsewhere-standin", programs, overwrite = TRUE)
