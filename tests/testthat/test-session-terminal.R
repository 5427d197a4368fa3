# Sessions as a person uses them: an interactive R on a pseudo-terminal.

local_terminal <- function(env = parent.frame()) {
  new_terminal("library(elsewhere); rs <- r_session$new()", env)
}

attached <- "RS [0-9]+ > $"

test_that("attach() types into the top level of the session", {
  terminal <- local_terminal()
  expect_match(
    type_line(terminal, "rs$attach()", attached), "Attached to process"
  )
  type_line(terminal, "x <- 41", attached)
  expect_match(type_line(terminal, "x + 1", attached), "[1] 42", fixed = TRUE)
  type_line(terminal, "f <- function() {", "\\+ $")
  type_line(terminal, "  'two lines'", "\\+ $")
  expect_match(type_line(terminal, "}; f()", attached), "two lines")
  expect_match(type_line(terminal, "stop('oops')", attached), "Error: oops")
  expect_match(type_line(terminal, "message('hey')", attached), "hey")
  type_line(terminal, ".q")
  expect_match(
    type_line(terminal, "rs$run(function() x)"), "[1] 41", fixed = TRUE
  )
})

test_that("Ctrl-C stops the line that runs, and then leaves the prompt", {
  terminal <- local_terminal()
  type_line(terminal, "rs$attach()", attached)
  terminal$write_input("{ cat('run', 'ning\\n'); Sys.sleep(100) }\n")
  await_text(terminal, "run ning")
  type_interrupt(terminal, attached)
  expect_match(type_line(terminal, "1 + 1", attached), "[1] 2", fixed = TRUE)
  type_interrupt(terminal, "\n> $")
  expect_match(type_line(terminal, "rs$run(function() 'alive')"), "alive")
})

test_that("Ctrl-C takes back an expression that has begun", {
  terminal <- local_terminal()
  type_line(terminal, "rs$attach()", attached)
  type_line(terminal, "f <- function() {", "\\+ $")
  type_line(terminal, "", "\\+ $")
  type_interrupt(terminal, attached)
  type_line(terminal, "", attached)
  expect_match(type_line(terminal, "1 + 1", attached), "[1] 2", fixed = TRUE)
  type_interrupt(terminal, "\n> $")
  expect_match(type_line(terminal, "rs"), "alive, idle")
})

test_that(".q inside an expression leaves, and nothing of it stays", {
  terminal <- local_terminal()
  type_line(terminal, "rs$attach()", attached)
  type_line(terminal, "cat('never', {", "\\+ $")
  type_line(terminal, ".q")
  type_line(terminal, "rs$attach()", attached)
  expect_match(type_line(terminal, "2 + 2", attached), "[1] 4", fixed = TRUE)
  seen <- type_line(terminal, "})", attached)
  expect_match(seen, "unexpected '}'", fixed = TRUE)
})

test_that("browser(), warnings and errors are what they are in R", {
  # testthat makes browser() an error from R 4.4 on.
  withr::local_envvar(`_R_CHECK_BROWSER_NONINTERACTIVE_` = NA)
  terminal <- local_terminal()
  type_line(terminal, "rs$attach()", attached)
  type_line(terminal, "h <- function(a) { browser(); a + 1 }", attached)
  expect_match(
    type_line(terminal, "h(3)", attached), "Called from: h(3)", fixed = TRUE
  )
  expect_match(type_line(terminal, "a", attached), "[1] 3", fixed = TRUE)
  expect_match(type_line(terminal, "c", attached), "[1] 4", fixed = TRUE)
  seen <- type_line(terminal, "as.integer('x')", attached)
  expect_match(seen, "NAs introduced by coercion")
  seen <- type_line(terminal, "'be' + 'gun'; 3", attached)
  expect_match(seen, "non-numeric argument")
  expect_false(grepl("[1] 3", seen, fixed = TRUE))
})

test_that("a line that readline() would cut is not run", {
  terminal <- local_terminal()
  type_line(terminal, "rs$attach()", attached)
  just_right <- paste0("nchar('", strrep("a", 4000L), "')")
  expect_match(
    type_line(terminal, just_right, attached), "[1] 4000", fixed = TRUE
  )
  line <- paste0("nchar('", strrep("a", 4084L), "')")
  expect_identical(nchar(line), 4093L)
  expect_match(type_line(terminal, line, attached), "[1] 4084", fixed = TRUE)
  line <- paste0("nchar('", strrep("a", 4085L), "')")
  expect_match(type_line(terminal, line, attached), "Not run: a line must be")
  expect_match(type_line(terminal, "1 + 1", attached), "[1] 2", fixed = TRUE)
})

test_that("a session that quits ends attach()", {
  terminal <- local_terminal()
  type_line(terminal, "rs$attach()", attached)
  type_line(terminal, "q('no')", "> $")
  expect_match(type_line(terminal, "rs"), "R SESSION, finished")
})

test_that("Ctrl-C in run() interrupts the call and keeps the session", {
  terminal <- local_terminal()
  mark <- withr::local_tempfile()
  terminal$write_input(sprintf(
    "rs$run(function() { file.create('%s'); Sys.sleep(1000) })\n", mark
  ))
  expect_true(wait_until(function() file.exists(mark)))
  type_interrupt(terminal, "> $")
  expect_match(type_line(terminal, "rs"), "alive, idle")
  expect_match(type_line(terminal, "rs$run(function() 'alive')"), "alive")
})

test_that("debug() goes through the frames of the last error", {
  terminal <- local_terminal()
  type_line(terminal, "options(callr.traceback = TRUE)")
  type_line(
    terminal,
    "rs$run(function() { f <- function(a) { b <- a * 2; stop('x') }; f(21) })"
  )
  at_frame <- "frame [0-9f]+\\) > $"
  at_top <- "RS [0-9]+ > $"
  # The numbers are those of $traceback().
  shown <- type_line(terminal, "rs$debug()", at_top)
  expect_match(shown, "2: stop\\(\"x\"\\)\\s+1: f\\(21\\)\\s+f: \\(function")
  type_line(terminal, "top <- 1", at_top)
  type_line(terminal, ".inspect 1", "frame 1\\) > $")
  expect_match(type_line(terminal, "b", at_frame), "[1] 42", fixed = TRUE)
  expect_match(type_line(terminal, "nope", at_frame), "object 'nope' not found")
  expect_match(type_line(terminal, ".help", at_frame), ".where", fixed = TRUE)
  type_line(terminal, "b +", "\\+ $")
  expect_match(type_line(terminal, "1", at_frame), "[1] 43", fixed = TRUE)
  expect_match(type_line(terminal, ".inspect 3", at_frame), "frames 0 to 2")
  type_line(terminal, ".inspect f", "frame f\\) > $")
  expect_match(type_line(terminal, "ls()", at_frame), '[1] "f"', fixed = TRUE)
  type_line(terminal, ".inspect 0", at_top)
  expect_match(type_line(terminal, "top", at_top), "[1] 1", fixed = TRUE)
  type_line(terminal, ".q", "> $")
})

test_that("attach() and debug() end with the input where nobody can type", {
  owner <- local_r_process(c(
    "library(elsewhere)", "rs <- r_session$new()",
    "rs$attach()", "cat('left', 'attach\\n')"
  ))
  expect_match(owner$read_all_output(), "left attach")
})

test_that("attach() runs all the lines that a script is given at once", {
  code <- c(
    "library(elsewhere)", "rs <- r_session$new()", "rs$attach()",
    "cat('x is', rs$run(function() x), '\\n')"
  )
  script <- withr::local_tempfile(lines = code, fileext = ".R")
  input <- withr::local_tempfile(lines = c("x <- (2 +", "  3)", "x * 2"))
  said <- processx::run(
    file.path(R.home("bin"), "Rscript"), script, stdin = input,
    env = c("current", R_LIBS = paste(.libPaths(), collapse = ":")),
    timeout = 120
  )$stdout
  expect_match(said, "[1] 10", fixed = TRUE)
  expect_match(said, "x is 5", fixed = TRUE)
})
