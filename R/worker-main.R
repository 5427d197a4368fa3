# What a worker process runs. These functions travel to it in the first packet,
# so they use base R and each other only; the package itself is never loaded in
# a worker. The front that starts the worker chooses them: a session sends
# those of R/worker-session.R, a pool its own.
#
# The first packet is a list with `functions`, whatever their `prepare(setup)`
# reads, and nothing else. In the worker the functions live in one environment,
# beside what inst/worker/profile.R has put there: emit(condition) sends a
# condition to the owner while a task runs; capture_begin() and capture_end()
# keep what R prints; redirect_output(output, error) moves descriptors 1 and 2
# during each task.
#
# `evaluate(payload)` runs each task; what it returns is the task's outcome.
# `prepare(setup)`, if there is one, runs once; its value is the body of Ready.
# `refuses_references`, if `TRUE` there when a task ends, makes a value with a
# live external pointer an "unserializable" outcome instead of a dead pointer.
# `leaves_nothing`, if `TRUE` there when a task ends, says that R's top level
# has nothing to do before the next one: no warnings to print.
# `suspends_interrupts`, if `TRUE` in that environment, keeps interrupts away
# from everything but what evaluate() wraps in allowInterrupts().

# What those functions find there, and the check of this package cannot.
utils::globalVariables(c(
  "dump_frames", "error_mode", "last_error", "note_error", "note_exit",
  "operate", "redirect_output", "send_message", "shorten_call",
  "shorten_value", "trace_calls", "trace_frames"
))

# A named list of functions, ready to travel: without source references, without
# this namespace, which serialization would ask the worker to load, and
# compiled, so that no worker spends its second task compiling them.
worker_functions <- function(...) {
  lapply(list(...), function(one) {
    one <- utils::removeSource(one)
    environment(one) <- baseenv()
    compiler::cmpfun(one)
  })
}

worker_profile <- function() {
  if (is.null(installed$profile)) {
    installed$profile <- system.file(
      "worker", "profile.R", package = "elsewhere", mustWork = TRUE
    )
  }
  installed$profile
}

# The library that the worker boots from: the one loaded here.
worker_library <- function() {
  if (is.null(installed$library)) {
    installed$library <- getLoadedDLLs()[["elsewhere"]][["path"]]
  }
  installed$library
}

# Where the files of this package are; to find them takes longer than a session
# takes to start.
installed <- new.env(parent = emptyenv())

# What makes an R process boot as a worker, as NAME=value. What the variables
# hide from the process is restored there before the first packet.
worker_environment <- function() {
  variables <- worker_variables()
  paste0(names(variables), "=", variables)
}

worker_variables <- function(system_profile = FALSE) {
  c(
    ELSEWHERE_DLL = worker_library(),
    R_PROFILE_USER = worker_profile(),
    saved_variable("R_PROFILE_USER"),
    saved_variable("R_PROFILE"),
    if (!system_profile) c(R_PROFILE = ""),
    GLIBC_TUNABLES = with_large_pages(Sys.getenv("GLIBC_TUNABLES")),
    saved_variable("GLIBC_TUNABLES")
  )
}

# The C library's memory in pages of 2 MB, where the system has such: R starts,
# forks and ends in less time. Other systems and libraries take no notice.
with_large_pages <- function(tunables) {
  if (is.na(tunables) || !nzchar(tunables)) return("glibc.malloc.hugetlb=1")
  paste0(tunables, ":glibc.malloc.hugetlb=1")
}

saved_variable <- function(name) {
  value <- Sys.getenv(name, NA)
  if (is.na(value)) return(NULL)
  structure(value, names = paste0("ELSEWHERE_SAVED_", name))
}

worker_arguments <- function() {
  c("--no-readline", "--slave", "--no-save", "--no-restore")
}

# R with our front end (src/frontend/), if that could be built. Otherwise, or if
# the arguments need R's shell script (it knows most of them), R's own program.
worker_program <- function(arguments = worker_arguments()) {
  known <- c(worker_arguments(), "--no-echo", "--quiet", "--silent")
  own <- if (all(arguments %in% known)) installed_program("R")
  if (is.null(own)) file.path(R.home("bin"), "R") else own
}

# NULL for one that is not there, looked for once.
installed_program <- function(name) {
  if (!exists(name, installed, inherits = FALSE)) {
    file <- system.file(
      paste0("bin", .Platform$r_arch), name, package = "elsewhere"
    )
    installed[[name]] <- if (nzchar(file)) file
  }
  installed[[name]]
}

# What `environment<-` does, but for the compiled code, which that one drops.
closure_in <- function(closure, env) {
  .Call(ew_worker_closure_in, closure, env)
}
