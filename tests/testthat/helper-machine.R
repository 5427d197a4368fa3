# A busy machine starts R when it can.
options(elsewhere.wait_timeout = 60000)

# Promises about time, on a machine that may be slow, busy, or stop for a
# moment.

# How many starts of R make up a second: some machines manage no more than that.
starts_a_second <- 5L

# A second of this machine, begun now: `is_over()` turns TRUE when a second has
# passed and R has started as often as a machine without other work does in
# less. So what has a second's time gets more of it where everything takes
# longer, at the moment at which it does.
machine_second <- function(env = parent.frame()) {
  r <- shQuote(file.path(R.home("bin"), "R"))
  starts <- sprintf(
    "for i in %s; do %s --vanilla --slave -e 0 >/dev/null; done",
    paste(seq_len(starts_a_second), collapse = " "), r
  )
  yardstick <- processx::process$new("sh", c("-c", starts))
  withr::defer(yardstick$kill(), envir = env)
  began <- proc.time()[["elapsed"]]
  function() {
    proc.time()[["elapsed"]] - began > 1 && !yardstick$is_alive()
  }
}

# Does `condition()` come to hold within a second (of this machine)?
within_a_second <- function(condition) {
  is_over <- machine_second()
  repeat {
    if (condition()) return(TRUE)
    if (is_over()) return(condition())
    Sys.sleep(0.005)
  }
}

# The value of `code`, which has to be done within a second (of this machine).
expect_within_a_second <- function(code) {
  is_over <- machine_second()
  force(code)
  testthat::expect_false(is_over(), info = "it took longer than a second")
  invisible(code)
}

# --- what runs at the same time -----------------------------------------------

# Code for tasks that must run side by side: `meet(i)` comes back with TRUE once
# `count` of them have called it, FALSE if they have not come in a minute.
meeting <- function(count, env = parent.frame()) {
  place <- withr::local_tempdir(.local_envir = env)
  # It stands alone, so that it can also be written into a script.
  eval(bquote(function(i) {
    file.create(file.path(.(place), i))
    for (look in 1:6000) {
      if (length(list.files(.(place))) >= .(count)) return(TRUE)
      Sys.sleep(0.01)
    }
    FALSE
  }), globalenv())
}

# The path of a library made from C code, for the time of the calling test.
local_c_library <- function(lines, env = parent.frame()) {
  testthat::skip_if_not(nzchar(Sys.which("cc")), "a C compiler is there")
  place <- withr::local_tempdir(.local_envir = env)
  writeLines(lines, file.path(place, "code.c"))
  processx::run(
    file.path(R.home("bin"), "R"), c("CMD", "SHLIB", "code.c"), wd = place
  )
  file.path(place, paste0("code", .Platform$dynlib.ext))
}
