# The temporary directory of a session: its own, and gone with it, however and
# whenever it ends.

# A folder that nobody else makes files in; a session's directory is made there.
local_temporary_folder <- function(env = parent.frame()) {
  folder <- normalizePath(withr::local_tempdir(.local_envir = env))
  withr::local_envvar(TMPDIR = folder, .local_envir = env)
  folder
}

is_empty <- function(folder) length(list.files(folder, all.files = TRUE)) == 2L

# Lets the process go on for a while: up to `seconds`, at random.
go_on <- function(seconds) {
  until <- Sys.time() + stats::runif(1L, 0, seconds)
  while (Sys.time() < until) NULL
}

# Kills processes that `start()` makes, at moments spread over their starts.
kill_starts <- function(start, times, seconds) {
  for (i in seq_len(times)) {
    process <- start()
    go_on(seconds)
    switch(i %% 3L + 1L,
      process$kill(grace = 0), process$kill(),
      tools::pskill(process$get_pid(), tools::SIGKILL)
    )
    rm(process)
    gc(FALSE)
  }
}

test_that("a session knows its directory, and nothing of how it came to it", {
  withr::local_envvar(TMPDIR = NA, TMP = NA, TEMP = NA)
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    session <- local_session()
    seen <- session$run(function() {
      list(
        tempdir(), Sys.getenv("R_SESSION_TMPDIR"), Sys.getenv("TMPDIR", NA),
        list.files(tempdir(), all.files = TRUE),
        grep("^ELSEWHERE.*TMP", names(Sys.getenv()), value = TRUE),
        system("echo \"${TMPDIR-none}\"", intern = TRUE)
      )
    })
    expect_match(seen[[1L]], "^/tmp/Rtmp[[:alnum:]]{6}$")
    expect_true(dir.exists(seen[[1L]]))
    expect_identical(
      seen[-1L],
      list(seen[[1L]], NA_character_, c(".", ".."), character(), "none")
    )
    session$close()
    expect_false(dir.exists(seen[[1L]]))
  }
})

test_that("the user's profile sees TMPDIR as it is", {
  folder <- local_temporary_folder()
  withr::local_dir(withr::local_tempdir())
  writeLines("options(elsewhere.test = Sys.getenv('TMPDIR'))", ".Rprofile")
  session <- local_session()
  expect_identical(session$run(function() getOption("elsewhere.test")), folder)
  expect_identical(dirname(session$run(function() tempdir())), folder)
  session$close()
  expect_true(is_empty(folder))
})

test_that("TMPDIR may have any name, and may be relative to the session's", {
  folder <- local_temporary_folder()
  # What the locale can say, and R takes: from 4.5 on it refuses spaces.
  name <- if (l10n_info()[["UTF-8"]]) "it's a \u00e9$x" else "it's a name$x"
  if (getRversion() >= "4.5.0") name <- gsub(" ", "-", name, fixed = TRUE)
  odd <- file.path(folder, name)
  dir.create(odd)
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    session <- local_session(env = c(TMPDIR = odd))
    expect_identical(dirname(session$run(function() tempdir())), odd)
    session$run(function() q("no"), list()) |> expect_error()
    session <- local_session(
      env = c(TMPDIR = basename(odd)), extra = list(wd = folder)
    )
    expect_identical(dirname(session$run(function() tempdir())), odd)
    session$close()
    expect_true(is_empty(odd))
    # R takes another place where the first is none.
    session <- local_session(
      env = c(TMPDIR = file.path(folder, "none"), TMP = folder)
    )
    expect_identical(dirname(session$run(function() tempdir())), folder)
    session$close()
  }
  expect_identical(list.files(folder), basename(odd))
})

test_that("a directory with files in it goes with a session that is killed", {
  folder <- local_temporary_folder()
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    fill <- function() {
      dir.create(file.path(tempdir(), "a", "b"), recursive = TRUE)
      writeLines("x", tempfile(tmpdir = file.path(tempdir(), "a", "b")))
    }
    session <- local_session()
    session$run(fill)
    session$kill(grace = 0)
    expect_true(is_empty(folder))
    process <- r_bg(function() {
      writeLines("x", tempfile())
      cat("done\n")
      Sys.sleep(100)
    })
    process$poll_io(60000)
    process$kill(grace = 0)
    expect_true(is_empty(folder))
  }
})

test_that("a session that is killed while it starts leaves nothing", {
  folder <- local_temporary_folder()
  local_leak_check()
  kill_starts(function() r_session$new(wait = FALSE), 60L, 0.02)
  expect_true(wait_until(function() is_empty(folder)))
  kill_starts(function() r_bg(function() Sys.sleep(100)), 30L, 0.02)
  expect_true(wait_until(function() is_empty(folder)))
})

test_that("nor does one that is killed while R starts for it", {
  folder <- local_temporary_folder()
  local_leak_check()
  withr::local_options(elsewhere.session_start = "exec")
  kill_starts(function() r_session$new(wait = FALSE), 9L, 0.2)
  expect_true(wait_until(function() is_empty(folder)))
  kill_starts(function() r_bg(function() Sys.sleep(100)), 6L, 0.2)
  expect_true(wait_until(function() is_empty(folder)))
})

test_that("a nursery that is killed while it starts leaves nothing", {
  folder <- local_temporary_folder()
  for (i in 1:5) {
    .Call(ew_session_nurseries_stop)
    session <- r_session$new(wait = FALSE)
    go_on(0.15)
    lapply(nurseries(), tools::pskill, tools::SIGKILL)
    # It is started by its stand-in then, or has been forked before.
    expect_identical(next_event(session)$code, 201L)
    session$close()
  }
  expect_true(wait_until(function() {
    nurseries()
    is_empty(folder)
  }))
  start_nursery()
})

test_that("a session whose nursery stands still can be killed", {
  folder <- local_temporary_folder()
  start_nursery()
  former <- nurseries()
  lapply(former, tools::pskill, tools::SIGSTOP)
  session <- r_session$new(wait = FALSE)
  expect_true(session$kill())
  lapply(former, tools::pskill, tools::SIGCONT)
  expect_true(wait_until(function() is_empty(folder)))
  expect_identical(local_session()$run(function() 1), 1)
})

test_that("an owner that is killed leaves nothing of sessions that start", {
  folder <- local_temporary_folder()
  for (way in c("nursery", "exec")) {
    for (i in 1:4) {
      owner <- local_r_process(c(
        "library(elsewhere)",
        sprintf("options(elsewhere.session_start = '%s')", way),
        if (i > 2L) "r_session$new()$close()",
        sprintf("Sys.setenv(TMPDIR = '%s')", folder),
        "rs <- r_session$new(wait = FALSE)", "cat('ready\n')", "Sys.sleep(100)"
      ), env_variables = c(TMPDIR = dirname(folder)))
      read_line(owner, "^ready")
      go_on(0.1)
      owner$kill(grace = 0)
      expect_true(wait_until(function() is_empty(folder)))
    }
  }
})

test_that("an owner that quits leaves nothing of sessions that start", {
  folder <- local_temporary_folder()
  owner <- local_r_process(c(
    "library(elsewhere)", "rs <- r_session$new(wait = FALSE)",
    "options(elsewhere.session_start = 'exec')",
    "rs <- r_session$new(wait = FALSE)"
  ))
  owner$wait(60000)
  expect_true(wait_until(function() is_empty(folder)))
})

test_that("TMPDIR in an environment file takes no session's directory away", {
  folder <- local_temporary_folder()
  other <- withr::local_tempdir()
  project <- withr::local_tempdir()
  writeLines(
    c(paste0("TMPDIR = ", other), "BESIDE=${TMPDIR}"),
    file.path(project, ".Renviron")
  )
  withr::local_dir(project)
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    session <- local_session()
    expect_identical(
      session$run(function() Sys.getenv(c("TMPDIR", "R_ENVIRON_USER"), NA)),
      c(TMPDIR = other, R_ENVIRON_USER = NA)
    )
    expect_identical(
      dirname(session$run(function() tempdir())), normalizePath(folder)
    )
    session$close()
    kill_starts(function() r_session$new(wait = FALSE), 5L, 0.2)
    expect_true(wait_until(function() is_empty(folder) && is_empty(other)))
  }
})

test_that("SIGTERM takes the directory along, where callr's variable asks", {
  local_leak_check()
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    asked <- local_session(env = c(PROCESSX_R_SIGTERM_CLEANUP = "true"))
    used <- asked$run(function() {
      file.create(tempfile())
      tempdir()
    })
    # A fork of the session ends by the same signal, and removes nothing.
    fork <- asked$run(function() {
      fork <- parallel::mcparallel(Sys.sleep(100), detached = TRUE)$pid
      tools::pskill(fork, tools::SIGTERM)
      fork
    })
    expect_true(wait_until(function() !is_process(fork)))
    expect_true(dir.exists(used))
    asked$call(function() repeat {})
    tools::pskill(asked$get_pid(), tools::SIGTERM)
    asked$wait(60000)
    expect_identical(asked$get_exit_status(), -15L)
    expect_false(dir.exists(used))
    idle <- local_session(env = c(PROCESSX_R_SIGTERM_CLEANUP = "true"))
    used <- idle$run(function() tempdir())
    tools::pskill(idle$get_pid(), tools::SIGTERM)
    idle$wait(60000)
    expect_identical(idle$get_exit_status(), -15L)
    expect_false(dir.exists(used))
  }
})

test_that("a session whose process cannot be started leaves no directory", {
  home <- withr::local_tempdir()
  withr::local_envvar(TMPDIR = home)
  impossible <- list(
    list(extra = list(wd = file.path(home, "absent"))),
    list(extra = list(nonesuch = 1)), list(extra = list(connections = 3))
  )
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    for (options in impossible) {
      expect_error(do.call(local_session, options))
      expect_error(do.call(r_bg, c(list(function() 1), options$extra)))
    }
    expect_true(wait_until(function() {
      length(list.files(home)) == 0L
    }))
  }
  # Those of r_bg().
  .Call(ew_session_nurseries_stop)
  start_nursery()
})
