# What happens to sessions when the process that owns them ends.

owner_lines <- function(job) {
  c(
    "library(elsewhere)",
    "rs <- r_session$new()",
    "directory <- rs$run(function() tempdir())",
    sprintf("rs$call(%s)", paste(deparse(job), collapse = "\n")),
    "Sys.sleep(0.2)",
    "cat('ready', rs$get_pid(), directory, '\\n')",
    "Sys.sleep(100)"
  )
}

test_that("a session is gone within a second after its owner is killed", {
  jobs <- list(
    busy = function() repeat {},
    asleep = function() Sys.sleep(100),
    in_c = function() crossprod(matrix(runif(9e6), 3000)),
    no_interrupts = function() suspendInterrupts(Sys.sleep(100)),
    idle = function() 1
  )
  for (name in names(jobs)) {
    owner <- local_r_process(owner_lines(jobs[[name]]))
    words <- strsplit(read_line(owner, "^ready"), " ")[[1]]
    pid <- as.integer(words[[2]])
    expect_true(is_process(pid))
    owner$kill(grace = 0)
    is_gone <- function() !is_process(pid) && !dir.exists(words[[3]])
    expect_true(within_a_second(is_gone), info = name)
  }
})

test_that("what a session has started is gone with it", {
  note <- withr::local_tempfile()
  job <- eval(bquote(function() {
    # The name comes with its content.
    system(.(sprintf(
      "sleep 4711 & echo $! > '%1$s.new'; mv '%1$s.new' '%1$s'; wait", note
    )))
  }))
  owner <- local_r_process(owner_lines(job))
  read_line(owner, "^ready")
  expect_true(wait_until(function() file.exists(note)))
  child <- as.integer(readLines(note))
  expect_true(is_process(child))
  owner$kill(grace = 0)
  expect_true(within_a_second(function() !is_process(child)))
})

test_that("an owner that ends in order takes its sessions with it", {
  owner <- local_r_process(c(
    "library(elsewhere)",
    "rs <- r_session$new()",
    "rs$call(function() repeat {})",
    "cat('ready', rs$get_pid(), '\\n')"
  ))
  pid <- as.integer(strsplit(read_line(owner, "^ready"), " ")[[1]][[2]])
  expect_true(within_a_second(function() !is_process(pid)))
})

test_that("a session is gone with its owner while a profile still runs", {
  folder <- withr::local_tempdir()
  note <- file.path(folder, "note")
  writeLines(c(
    sprintf("writeLines(c(Sys.getpid(), tempdir()), '%s.new')", note),
    sprintf("file.rename('%1$s.new', '%1$s')", note),
    "Sys.sleep(1000)"
  ), file.path(folder, ".Rprofile"))
  owner <- local_r_process(c(
    "library(elsewhere)", sprintf("setwd('%s')", folder),
    "rs <- r_session$new(wait = FALSE)", "Sys.sleep(1000)"
  ))
  expect_true(wait_until(function() file.exists(note)))
  said <- readLines(note)
  expect_true(is_process(as.integer(said[[1]])))
  owner$kill(grace = 0)
  expect_true(within_a_second(function() {
    !is_process(as.integer(said[[1]])) && !dir.exists(said[[2]])
  }))
})
