# A script that interrupts what runs elsewhere, in each way there is, and prints
# a line for each: name, and the milliseconds until the owner could go on.
interrupt_script <- function() {
  deparse_all <- function(code) unlist(lapply(as.list(code)[-1L], deparse))
  deparse_all(quote({
    # The owner itself may be a node of parallel.
    if (nzchar(Sys.getenv("INTERRUPTS_IN_NODE"))) {
      Sys.unsetenv("INTERRUPTS_IN_NODE")
      cl <- parallel::makeCluster(1L, outfile = "")
      parallel::clusterCall(cl, source, Sys.getenv("INTERRUPTS_SCRIPT"))
      parallel::stopCluster(cl)
      quit("no")
    }
    library(elsewhere)
    says <- function(name, code) {
      ms <- tryCatch(code, error = function(e) conditionMessage(e))
      cat(name, "\t", ms, "\n", sep = "")
    }
    since <- function(from) 1000 * (as.numeric(Sys.time()) - from)
    sign_file <- function() tempfile(tmpdir = Sys.getenv("INTERRUPTS_FOLDER"))
    wait_for <- function(sign) while (!file.exists(sign)) Sys.sleep(0.01)
    # The worker has taken the interrupt when it is free again.
    free <- function() stopifnot(identical(value(future(1)), 1))
    # Runs for a minute, if nobody interrupts it.
    busy <- function(...) {
      sign <- sign_file()
      f <- future(
        {
          file.create(sign)
          Sys.sleep(60)
        },
        globals = list(sign = sign), ...
      )
      wait_for(sign)
      f
    }
    cancelled <- function() {
      f <- busy()
      from <- as.numeric(Sys.time())
      cancel(f)
      free()
      since(from)
    }
    timed_out <- function() {
      from <- as.numeric(Sys.time())
      f <- future(Sys.sleep(60), timeout = 0.5)
      tryCatch(value(f), error = identity)
      free()
      since(from) - 500
    }
    # Ctrl-C while `wait()` waits; not where nobody could type it.
    status <- tryCatch(readLines("/proc/self/status"), error = function(e) "")
    ignored <- sub("^SigIgn:\\s*", "", grep("^SigIgn:", status, value = TRUE))
    takes_ctrl_c <- length(ignored) == 1L &&
      bitwAnd(strtoi(substring(ignored, nchar(ignored)), 16L), 2L) == 0L
    typed <- function(wait) {
      sign <- sign_file()
      system(sprintf(
        "(sleep 0.3; date +%%s.%%N > %s; kill -INT %d) &", sign, Sys.getpid()
      ))
      tryCatch(wait(), interrupt = function(e) NULL)
      now <- as.numeric(Sys.time())
      1000 * (now - as.numeric(readLines(sign)))
    }
    in_plan <- function(name, ...) {
      plan(...)
      # R compiles what has been called twice, and that counts for nothing here.
      for (i in 1:5) free()
      says(paste(name, "cancel()"), cancelled())
      says(paste(name, "timeout"), timed_out())
      if (takes_ctrl_c) {
        f <- busy()
        says(paste(name, "Ctrl-C"), typed(function() value(f)))
        cancel(f)
      }
      plan(sequential)
    }
    session <- function(start) {
      name <- sprintf("session (%s)", start)
      options(elsewhere.session_start = start)
      s <- r_session$new()
      on.exit(s$close())
      sign <- sign_file()
      s$call(
        function(sign) {
          file.create(sign)
          Sys.sleep(60)
        },
        list(sign)
      )
      wait_for(sign)
      says(paste(name, "$interrupt()"), {
        from <- as.numeric(Sys.time())
        s$interrupt()
        stopifnot(s$poll_process(10000) == "ready")
        ms <- since(from)
        stopifnot(inherits(s$read()$error, "condition"))
        ms
      })
      if (takes_ctrl_c) {
        says(paste(name, "Ctrl-C"), typed(function() {
          s$run(function() Sys.sleep(60))
        }))
      }
      s
    }
    in_plan("pool", multisession, workers = I(1))
    in_plan("fork", multicore, workers = I(1))
    cl <- parallel::makeCluster(1L)
    in_plan("node", cluster, workers = cl)
    parallel::stopCluster(cl)
    if (nzchar(Sys.getenv("INTERRUPTS_RSHOPTS"))) {
      in_plan(
        "ssh", cluster,
        workers = "node1", rscript_libs = .libPaths(),
        rshopts = strsplit(Sys.getenv("INTERRUPTS_RSHOPTS"), "\t")[[1L]]
      )
    }
    for (start in c("nursery", "exec")) session(start)
  }))
}

# Runs it by `command`, a shell's words in which `%s` is R and the script.
# Returns milliseconds by name, or what went wrong.
interrupt_times <- function(command, rshopts = NULL) {
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
      INTERRUPTS_FOLDER = folder, INTERRUPTS_SCRIPT = script,
      INTERRUPTS_RSHOPTS = paste(rshopts, collapse = "\t")
    ),
    system(sprintf(command, run))
  )
  lines <- strsplit(readLines(output), "\t", fixed = TRUE)
  lines <- lines[lengths(lines) == 2L]
  stats::setNames(
    vapply(lines, `[[`, "", 2L), vapply(lines, `[[`, "", 1L)
  )
}

interrupt_starts <- c(
  "in the foreground" = "%s",
  "with &" = "%s & wait $!",
  "with SIGINT ignored" = "trap '' INT; %s",
  "by nohup" = "trap '' INT; nohup %s",
  "as a node of makeCluster()" = "INTERRUPTS_IN_NODE=yes %s"
)

# Ctrl-C reaches only who takes SIGINT.
interrupt_ways <- function(with_ssh = FALSE) {
  places <- c("pool", "fork", "node", if (with_ssh) "ssh")
  c(
    outer(places, c("cancel()", "timeout"), paste),
    paste(c("session (nursery)", "session (exec)"), "$interrupt()")
  )
}
