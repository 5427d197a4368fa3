# The start of a background session: R reads this file as its user profile. What
# a worker needs lives in one environment, `.elsewhere`, in the attached
# `tools:elsewhere`, so that the search path shows no name of ours and the
# global environment stays empty. docs/decisions/ has a page on what happens
# after.
local({
  # R notes at its first wait which handler of interrupts to put back after one.
  # An interrupt that comes before it has, would leave the process without any,
  # and the next would end it. Nobody interrupts this wait.
  Sys.sleep(1e-6)

  library_file <- dyn.load(Sys.getenv("ELSEWHERE_DLL"))
  boot <- getNativeSymbolInfo("ew_worker_boot", library_file)
  functions <- new.env(parent = baseenv())
  tools <- attach(NULL, pos = length(search()), name = "tools:elsewhere")
  assign(".elsewhere", functions, envir = tools)
  entries <- .Call(boot, functions)

  # Defined where they see R's base and each other, and nothing of this file.
  assign("entries", entries, envir = functions)
  evalq({
    emit <- function(condition) .Call(entries$emit, condition)
    capture_begin <- function(live = FALSE) .Call(entries$capture_begin, live)
    capture_end <- function() .Call(entries$capture_end)
    redirect_output <- function(output, error) {
      .Call(entries$redirect_output, output, error)
    }
    install <- function(functions) {
      home <- environment(sys.function())
      if (is.raw(functions)) functions <- unserialize(functions)
      for (name in names(functions)) {
        # They come compiled, and `environment<-` would undo that.
        function_here <- .Call(entries$closure_in, functions[[name]], home)
        assign(name, function_here, envir = home)
      }
    }
    # The owner's first packet: functions to have, then what to do with them.
    setup <- function(setup) {
      # Without a handler R ends at an error that reaches its top level.
      if (is.null(getOption("error"))) {
        options(error = function() invokeRestart("abort"))
      }
      home <- environment(sys.function())
      # A nursery may have brought them.
      if (!exists("evaluate", home, inherits = FALSE)) install(setup$functions)
      home$in_pool <- isTRUE(setup$in_pool)
      if (exists("prepare", home, inherits = FALSE)) home$prepare(setup)
    }
  }, functions)

  # What R's top level is given to read, see src/bridge/worker/worker_main.cpp:
  # short, because it is parsed for every task.
  step <- entries$step
  assign(".elsewhere step", function() {
    .Call(step)
    invisible()
  }, envir = tools)
  environment(tools[[".elsewhere step"]]) <- list2env(
    list(step = step), parent = baseenv()
  )
  # Kept where a task that detaches the other cannot reach it.
  assign("top_level_step", tools[[".elsewhere step"]], envir = functions)

  # The lines about TMPDIR, which R itself has not read.
  lines_file <- Sys.getenv("ELSEWHERE_RENVIRON")
  if (nzchar(lines_file)) {
    readRenviron(lines_file)
    Sys.unsetenv("ELSEWHERE_RENVIRON")
  }
  start <- .Call(entries$arrive)
  preamble <- parse(text = start[[1L]])
  eval(preamble, baseenv())
  user_profile <- start[[2L]]
  if (nzchar(user_profile) && !isTRUE(getOption("callr.rprofile_loaded"))) {
    options(callr.rprofile_loaded = TRUE)
    eval(call("source", user_profile, local = TRUE), globalenv())
    # What the options of the session ask for, whatever the profile has done.
    eval(preamble, baseenv())
  }
})
