# Options of futures from environment variables, and the script of a start.

# What option `future.x.y` is taken from R_FUTURE_X_Y, when the package is
# loaded and the option is not set. R_FUTURE_PLAN is read by plan() itself.
options_of_futures <- c(
  "future.globals.maxSize", "future.globals.onMissing",
  "future.globals.onReference", "future.rng.onMisuse", "future.rng.misUse",
  "future.globalenv.onMisuse", "future.connections.onMisuse",
  "future.devices.onMisuse", "future.defaultDevice.onMisuse",
  "future.globals.resolve", "future.state.onInvalid",
  "future.relay.immediate", "future.plan.disallow", "future.journal",
  "future.startup.script"
)

options_from_variables <- function() {
  for (name in options_of_futures) {
    variable <- paste0("R_", toupper(gsub(".", "_", name, fixed = TRUE)))
    text <- Sys.getenv(variable, "")
    if (!nzchar(text) || !is.null(getOption(name))) next
    if (name == "future.plan.disallow") text <- strsplit(text, " *, *")[[1L]]
    value <- utils::type.convert(text, as.is = TRUE)
    options(structure(list(value), names = name))
  }
}

# `-p 4` or `--parallel=4` on the command line of R or of a script: so many
# processes, unless a plan was chosen in another way.
options_from_command_line <- function() {
  if ("tools:elsewhere" %in% search()) return()
  asked <- processes_asked(getOption("future.cmdargs", commandArgs()))
  if (is.null(asked)) return()
  options(mc.cores = asked)
  if (!is.null(getOption("future.plan"))) return()
  if (nzchar(Sys.getenv("R_FUTURE_PLAN", ""))) return()
  options(future.plan = if (asked == 1L) {
    sequential
  } else {
    tweak(multisession, workers = asked)
  })
}

# The last one rules. What is no number, or more than there are cores, is told
# of and changes nothing: the option may be meant for the script.
processes_asked <- function(arguments) {
  at <- grep("^(-p|--parallel=.*)$", arguments)
  if (!length(at)) return(NULL)
  at <- at[[length(at)]]
  text <- if (arguments[[at]] == "-p") {
    arguments[at + 1L]
  } else {
    sub("--parallel=", "", arguments[[at]], fixed = TRUE)
  }
  count <- suppressWarnings(as.integer(text))
  cores <- availableCores(methods = "system")
  if (is.na(count) || count < 1L) {
    reason <- "it is not a number of processes, 1 or more"
  } else if (count > cores) {
    reason <- sprintf("there are %d cores", cores)
  } else {
    return(count)
  }
  words <- arguments[[at]]
  if (words == "-p" && !is.na(text)) words <- paste(words, text)
  warning(
    sprintf(
      "elsewhere ignores `%s` on the command line: %s.",
      words, reason
    ),
    call. = FALSE, immediate. = TRUE
  )
  NULL
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
