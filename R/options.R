# Options of futures from environment variables, and the script of a start.

# What option `future.x.y` is taken from R_FUTURE_X_Y, when the package is
# loaded and the option is not set. R_FUTURE_PLAN is read by plan() itself.
options_of_futures <- c(
  "future.globals.maxSize", "future.globals.onMissing",
  "future.globals.onReference", "future.rng.onMisuse", "future.rng.misUse",
  "future.globalenv.onMisuse", "future.connections.onMisuse",
  "future.devices.onMisuse", "future.defaultDevice.onMisuse",
  "future.relay.immediate", "future.plan.disallow", "future.journal",
  "future.startup.script"
)

options_from_variables <- function() {
  for (name in options_of_futures) {
    variable <- paste0("R_", toupper(gsub(".", "_", name, fixed = TRUE)))
    text <- Sys.getenv(variable, "")
    if (!nzchar(text) || !is.null(getOption(name))) next
    value <- utils::type.convert(text, as.is = TRUE)
    options(structure(list(value), names = name))
  }
}

# `.future.R` here, or at home, unless option `future.startup.script` is FALSE
# or names another file. Workers have none: their owner has run it.
run_startup_script <- function() {
  script <- getOption("future.startup.script", TRUE)
  if (identical(script, FALSE) || "tools:elsewhere" %in% search()) return()
  paths <- if (is.character(script)) script else c(".future.R", "~/.future.R")
  found <- paths[file.exists(paths)]
  if (length(found)) sys.source(found[[1L]], envir = globalenv())
}
