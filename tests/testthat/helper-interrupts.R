# A script that interrupts what runs elsewhere, in each way there is, and prints a line
# for each: name, and the milliseconds until the owner went on.
interrupt_script <- function() {
  c(
    "library(elsewhere)",
    "says <- function(name, code) {",
    "  ms <- tryCatch(code, error = function(e) conditionMessage(e))",
    "  cat(name, '\\t', ms, '\\n', sep = '')",
    "}",
    "since <- function(from) as.numeric(proc.time()[['elapsed']] - from) * 1000",
    # A future that says when it runs, and would run for a minute.
    "busy <- function() {",
    "  sign <- tempfile(tmpdir = Sys.getenv('INTERRUPTS_FOLDER'))",
    "  f <- future({ file.create(sign); Sys.sleep(60) }, globals = list(sign = sign))",
    "  while (!file.exists(sign)) Sys.sleep(0.01)",
    "  f",
    "}",
    "cancelled <- function() {",
    "  f <- busy()",
    "  from <- proc.time()[['elapsed']]",
    "  cancel(f)",
    # The worker is free again once it has taken the interrupt.
    "  stopifnot(identical(value(future(1)), 1))",
    "  since(from)",
    "}",
    "timed_out <- function() {",
    "  from <- proc.time()[['elapsed']]",
    "  f <- future(Sys.sleep(60), timeout = 0.5)",
    "  tryCatch(value(f), error = identity)",
    "  stopifnot(identical(value(future(1)), 1))",
    "  since(from) - 500",
    "}",
    "session <- function(start) {",
    "  options(elsewhere.session_start = start)",
    "  s <- r_session$new()",
    "  on.exit(s$close())",
    "  sign <- tempfile(tmpdir = Sys.getenv('INTERRUPTS_FOLDER'))",
    "  s$call(function(sign) { file.create(sign); Sys.sleep(60) }, list(sign))",
    "  while (!file.exists(sign)) Sys.sleep(0.01)",
    "  from <- proc.time()[['elapsed']]",
    "  s$interrupt()",
    "  stopifnot(s$poll_process(10000) == 'ready')",
    "  ms <- since(from)",
    "  stopifnot(inherits(s$read()$error, 'condition'))",
    "  stopifnot(identical(s$run(function() 1), 1))",
    "  ms",
    "}",
    "in_plan <- function(name, ...) {",
    "  plan(...)",
    "  invisible(value(future(1)))",
    "  says(paste(name, 'cancel()'), cancelled())",
    "  says(paste(name, 'timeout'), timed_out())",
    "  plan(sequential)",
    "}",
    "in_plan('pool', multisession, workers = I(1))",
    "in_plan('fork', multicore, workers = I(1))",
    "cl <- parallel::makeCluster(1)",
    "in_plan('node', cluster, workers = cl)",
    "parallel::stopCluster(cl)",
    "says('session (nursery) $interrupt()', session('nursery'))",
    "says('session (exec) $interrupt()', session('exec'))"
  )
}

# Runs it by `command`, a shell's words in which `%s` is R and the script. Returns
# milliseconds by name, or what went wrong.
interrupt_times <- function(command) {
  folder <- withr::local_tempdir()
  script <- file.path(folder, "interrupts.R")
  writeLines(interrupt_script(), script)
  output <- file.path(folder, "out")
  run <- paste(
    shQuote(file.path(R.home("bin"), "Rscript")), shQuote(script),
    ">", shQuote(output), "2>&1"
  )
  withr::with_envvar(
    c(
      R_LIBS = paste(.libPaths(), collapse = .Platform$path.sep),
      INTERRUPTS_FOLDER = folder
    ),
    system(sprintf(command, run))
  )
  lines <- strsplit(readLines(output), "\t", fixed = TRUE)
  lines <- lines[lengths(lines) == 2L]
  stats::setNames(
    vapply(lines, `[[`, "", 2L), vapply(lines, `[[`, "", 1L)
  )
}

interrupt_ways <- c(
  "pool cancel()", "pool timeout", "fork cancel()", "fork timeout",
  "node cancel()", "node timeout", "session (nursery) $interrupt()",
  "session (exec) $interrupt()"
)
