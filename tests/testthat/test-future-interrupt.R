# Ctrl-C while the session waits for futures, as typed and as sent by kill.

# Code for an owner: futures that wait for the file that `release()` makes,
# having made the file `begun`, and attempt(name, code), which says when it can
# be interrupted and what became of `code`.
interrupt_program <- function(begun) c(
  "library(elsewhere)",
  "go <- tempfile()",
  sprintf("begun <- '%s'", begun),
  "release <- function() invisible(file.create(go))",
  "hold <- function(x) {",
  "  file.create(begun)",
  "  while (!file.exists(go)) Sys.sleep(0.01)",
  "  x",
  "}",
  "attempt <- function(name, code) {",
  "  unlink(c(go, begun))",
  "  how <- tryCatch({",
  "    cat('ready ', name, '\\n', sep = '')",
  "    code",
  "    'done'",
  "  }, interrupt = function(e) 'interrupted')",
  "  release()",
  "  after <- value(future(6 * 7))",
  "  cat('after ', name, ': ', how, ', next ', after, '\\n', sep = '')",
  "}"
)

interrupted_plans <- c(
  multisession = "plan(multisession, workers = 2)",
  queue = "plan(multisession, workers = 2, queue = Inf)",
  multicore = "plan(multicore, workers = 2)"
)

test_that("SIGINT ends the wait for futures, and nothing is lost", {
  for (name in names(interrupted_plans)) {
    owner <- local_r_process(c(
      interrupt_program(withr::local_tempfile()), interrupted_plans[[name]],
      "f <- future(hold(1))",
      "attempt('value', value(f))",
      "cat('kept', value(f), '\\n')",
      "unlink(go)",
      "fs <- lapply(1:4, function(i) future(hold(i), lazy = TRUE))",
      "attempt('list', value(fs))",
      "cat('kept', unlist(value(fs)), '\\n')",
      "unlink(go)",
      "fs <- lapply(1:4, function(i) future(hold(i), lazy = TRUE))",
      "attempt('resolve', resolve(fs))",
      "cat('kept', unlist(value(fs)), '\\n')",
      "attempt('map', future_map(1:4, hold))",
      "attempt('lapply', future_lapply(1:4, hold))",
      "unlink(go)", "x %<-% hold(1)", "attempt('assigned', x)",
      "cat('kept', x, '\\n')",
      "attempt('creation', for (i in 1:3) f <- future(hold(i)))"
    ))
    expect_interrupted <- function(wait) {
      read_line(owner, paste0("^ready ", wait))
      owner$interrupt()
      line <- read_line(owner, paste0("^after ", wait))
      expect_match(line, "interrupted, next 42", info = paste(name, wait))
    }
    expect_interrupted("value")
    read_line(owner, "^kept 1 ")
    expect_interrupted("list")
    read_line(owner, "^kept 1 2 3 4 ")
    expect_interrupted("resolve")
    read_line(owner, "^kept 1 2 3 4 ")
    for (wait in c("map", "lapply", "assigned")) expect_interrupted(wait)
    read_line(owner, "^kept 1 ")
    # With a queue, nothing waits.
    if (name != "queue") expect_interrupted("creation")
  }
})

test_that("SIGINT in a future of this process ends it, and says so later", {
  for (here in c("sequential", "multisession, workers = 1")) {
    begun <- withr::local_tempfile()
    owner <- local_r_process(c(
      interrupt_program(begun), sprintf("plan(%s)", here),
      "f <- future(hold(1), lazy = TRUE)",
      "attempt('value', value(f))",
      "cat('again', class(tryCatch(value(f), error = identity)), '\\n')",
      "cat('reset', value(reset(f)), '\\n')",
      "fs <- lapply(1:4, function(i) future(hold(i), lazy = TRUE))",
      "attempt('list', value(fs))",
      "cat('others', unlist(value(fs[-1])), '\\n')",
      "attempt('map', future_map(1:4, hold))"
    ))
    for (wait in c("value", "list", "map")) {
      read_line(owner, paste0("^ready ", wait))
      # Only what has begun can end so.
      expect_true(wait_until(function() file.exists(begun)))
      owner$interrupt()
      line <- read_line(owner, paste0("^after ", wait))
      expect_match(line, "interrupted, next 42", info = paste(here, wait))
      if (wait == "value") {
        again <- read_line(owner, "^again")
        expect_match(again, "FutureInterruptError")
        read_line(owner, "^reset 1 ")
      } else if (wait == "list") {
        read_line(owner, "^others 2 3 4 ")
      }
    }
  }
})

test_that("Ctrl-C at the prompt ends the wait, and spares the workers", {
  for (name in names(interrupted_plans)) {
    terminal <- new_terminal("library(elsewhere)")
    type_line(terminal, interrupted_plans[[name]])
    go <- withr::local_tempfile()
    code <- paste0(
      "f <- future({ while (!file.exists('%s')) Sys.sleep(0.01); ",
      "'its value' })"
    )
    type_line(terminal, sprintf(code, go))
    terminal$write_input("{ cat('wait', 'ing\\n'); value(f) }\n")
    await_text(terminal, "wait ing")
    type_interrupt(terminal, "> $")
    file.create(go)
    shown <- type_line(terminal, "value(f)")
    expect_match(shown, "its value", info = name)
    shown <- type_line(terminal, "value(future(6 * 7))")
    expect_match(shown, "42", info = name)
    unlink(go)
  }
})
