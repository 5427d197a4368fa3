# Sessions that a nursery forks, beside those for which R is started.

stand_in_of <- function(session) session$.__enclos_env__$private$stand_in

started_session <- function(..., frame = parent.frame()) {
  withr::with_options(
    list(elsewhere.session_start = "exec"), local_session(..., frame = frame)
  )
}

test_that("a forked session sees what a started one sees", {
  skip_without_forked_sessions()
  local_leak_check()
  withr::local_dir(withr::local_tempdir())
  withr::local_envvar(ELSEWHERE_TEST_A = "b", ELSEWHERE_TEST_EMPTY = "")
  former <- Sys.umask("027")
  withr::defer(Sys.umask(former))
  forked <- local_session()
  started <- started_session()
  expect_false(is.null(stand_in_of(forked)))
  expect_null(stand_in_of(started))
  look <- function() {
    variables <- as.list(Sys.getenv())
    variables$R_SESSION_TMPDIR <- NULL
    is_mark <- startsWith(names(variables), "PROCESSX_")
    status <- readLines("/proc/self/status")
    settings <- options()
    # Functions made anew at each start.
    settings$error <- settings$str <- NULL
    list(
      variables = variables[!is_mark], marks = sum(is_mark),
      options = settings, search = search(),
      namespaces = sort(loadedNamespaces()), libraries = .libPaths(),
      arguments = commandArgs(), directory = getwd(), mask = Sys.umask(),
      locale = Sys.getlocale(),
      generator = RNGkind(),
      workspace = ls(globalenv(), all.names = TRUE),
      status = grep("^(SigBlk|SigCgt|Threads|Umask|Cpus)", status,
                    value = TRUE),
      limits = readLines("/proc/self/limits"),
      is_young = proc.time()[["elapsed"]] < 60
    )
  }
  expect_equal(forked$run(look), started$run(look))
})

test_that("forked sessions share no directory and no random numbers", {
  sessions <- list(local_session(), local_session())
  look <- function() list(tempdir(), tempfile(), runif(1))
  seen <- lapply(sessions, function(one) one$run(look))
  for (i in 1:3) expect_false(identical(seen[[1]][[i]], seen[[2]][[i]]))
  expect_true(dir.exists(seen[[1]][[1]]))
  for (one in sessions) one$close()
  expect_false(dir.exists(seen[[1]][[1]]))
  expect_false(dir.exists(seen[[2]][[1]]))
})

test_that("a forked session gets its own environment and directory", {
  skip_without_forked_sessions()
  home <- normalizePath(withr::local_tempdir())
  forked <- local_session(
    env = c(ELSEWHERE_TEST_B = "c", PATH = NA), extra = list(wd = home)
  )
  expect_false(is.null(stand_in_of(forked)))
  seen <- forked$run(function() {
    list(Sys.getenv("ELSEWHERE_TEST_B"), Sys.getenv("PATH", NA), getwd())
  })
  expect_identical(seen, list("c", NA_character_, home))
})

test_that("what only a start can do makes a session start", {
  for (options in list(
    list(cmdargs = c("--no-readline", "--slave", "--no-save", "--vanilla")),
    list(system_profile = TRUE), list(libpath = NULL),
    # Of newer versions of processx; any that nurseries know nothing of.
    list(extra = if ("linux_pdeathsig" %in% names(
      formals(processx::process$public_methods$initialize)
    )) {
      list(linux_pdeathsig = TRUE)
    } else {
      list(windows_hide_window = TRUE)
    })
  )) {
    session <- do.call(local_session, options)
    expect_null(stand_in_of(session))
    expect_identical(session$run(function() 1), 1)
    session$close()
  }
})

test_that("a profile of the project is run, by starting R", {
  withr::local_dir(withr::local_tempdir())
  writeLines("options(elsewhere.test = 42)", ".Rprofile")
  session <- local_session()
  expect_null(stand_in_of(session))
  expect_identical(session$run(function() getOption("elsewhere.test")), 42)
})

test_that("an environment file counts, also when it has changed", {
  withr::local_dir(withr::local_tempdir())
  withr::local_envvar(R_ENVIRON_USER = NA)
  for (value in c("one", "other")) {
    writeLines(paste0("ELSEWHERE_TEST_C=", value), ".Renviron")
    session <- local_session()
    expect_identical(
      session$run(function() Sys.getenv("ELSEWHERE_TEST_C")), value
    )
    session$close()
  }
  .Call(ew_session_nurseries_stop)
})

test_that("a forked session ends as a started one: by status or by signal", {
  skip_without_forked_sessions()
  local_leak_check()
  end_of <- function(code) {
    session <- local_session()
    session$call(code)
    event <- next_event(session)
    list(event$code, session$get_exit_status())
  }
  expect_identical(end_of(function() q(status = 7)), list(501L, 7L))
  expect_identical(end_of(function() q()), list(500L, 0L))
  expect_identical(
    end_of(function() tools::pskill(Sys.getpid(), 11L)), list(501L, -11L)
  )
  session <- local_session()
  expect_true(session$kill())
  expect_identical(session$get_exit_status(), -15L)
  session <- local_session()
  session$call(function() tools::pskill(Sys.getpid(), tools::SIGSTOP))
  expect_true(session$kill(grace = 0))
  expect_identical(session$get_exit_status(), -9L)
})

test_that("signals reach the forked session", {
  session <- local_session()
  expect_identical(session$get_pid(), session$run(function() Sys.getpid()))
  expect_true(session$signal(0))
  session$call(function() Sys.sleep(100))
  session$interrupt()
  expect_s3_class(next_event(session)$error, "callr_timeout_error")
  handle <- session$as_ps_handle()
  expect_identical(session$run(function() 1), 1)
  session$kill()
  expect_false(session$signal(0))
})

test_that("kill_tree() finds a forked session and what it has started", {
  local_leak_check()
  session <- local_session()
  child <- session$run(function() {
    as.integer(system("sleep 4712 >/dev/null 2>&1 & echo $!", intern = TRUE))
  })
  killed <- session$kill_tree()
  expect_true(all(c(session$get_pid(), child) %in% killed))
  session$wait(60000)
  expect_false(session$is_alive())
})

test_that("a forked session is gone when its stand-in is", {
  skip_without_forked_sessions()
  local_leak_check()
  session <- local_session()
  pid <- session$get_pid()
  session$call(function() repeat {})
  tools::pskill(stand_in_of(session), tools::SIGKILL)
  expect_true(within_a_second(function() !is_process(pid)))
  expect_identical(next_event(session)$code, 501L)
})

test_that("sessions outlive their nursery, and the next one has another", {
  session <- local_session()
  session$run(function() assign("kept", 1, globalenv()))
  former <- nurseries()
  lapply(former, tools::pskill, tools::SIGKILL)
  expect_true(wait_until(function() length(nurseries()) == 0L))
  expect_identical(session$run(function() get("kept")), 1)
  session$close()
  expect_false(session$is_alive())
  expect_identical(local_session()$run(function() 1), 1)
  expect_false(any(nurseries() %in% former))
})

# A kernel before Linux 6.15 forgets how a process has ended when the status is
# taken by whoever is its parent by then. Nobody can know it afterwards.
expect_own_end <- function(session, status) {
  release <- sub("[^0-9.].*", "", Sys.info()[["release"]])
  keeps_status <- numeric_version(release) >= "6.15"
  known <- c(status, if (!keeps_status) 255L)
  expect_true(session$get_exit_status() %in% known)
}

test_that("a session whose nursery was killed ends with its own status", {
  skip_without_forked_sessions()
  session <- local_session()
  # A fork that lives on is not the session.
  fork <- session$run(function() {
    parallel::mcparallel(Sys.sleep(100), detached = TRUE)$pid
  })
  withr::defer(tools::pskill(fork, tools::SIGKILL))
  other <- local_session()
  lapply(nurseries(), tools::pskill, tools::SIGKILL)
  expect_true(wait_until(function() length(nurseries()) == 0L))
  session$call(function() quit("no", 7L))
  session$wait(60000)
  expect_false(session$is_alive())
  expect_identical(session$get_exit_status(), 7L)
  # A signal runs nothing in the session; the kernel knows.
  tools::pskill(stand_in_of(other), tools::SIGTERM)
  other$wait(60000)
  expect_own_end(other, -15L)
  start_nursery()
})

test_that("a session without its nursery is seen to be killed, or to crash", {
  skip_without_forked_sessions()
  ends <- list(
    list(function() tools::pskill(Sys.getpid(), tools::SIGKILL), -9L),
    list(function() tools::pskill(Sys.getpid(), 11L), -11L)
  )
  sessions <- list(local_session(), local_session())
  killed <- local_session()
  lapply(nurseries(), tools::pskill, tools::SIGKILL)
  expect_true(wait_until(function() length(nurseries()) == 0L))
  for (i in seq_along(ends)) {
    sessions[[i]]$call(ends[[i]][[1L]])
    event <- next_event(sessions[[i]])
    expect_identical(event$code, 501L)
    expect_own_end(sessions[[i]], ends[[i]][[2L]])
  }
  expect_true(killed$kill())
  expect_own_end(killed, -15L)
  start_nursery()
})

test_that("the system shows the environment of a forked session as its own", {
  skip_without_forked_sessions()
  skip_if_not_installed("ps")
  withr::local_envvar(ELSEWHERE_TEST_MINE = "not in the nursery")
  session <- local_session(
    env = c(ELSEWHERE_TEST_LONG = strrep("x", 5000L), TERM = "strange")
  )
  expect_false(is.null(stand_in_of(session)))
  shown <- ps::ps_environ(session$as_ps_handle())
  is_mark <- startsWith(names(shown), "PROCESSX_")
  expect_gte(sum(is_mark), 1L)
  skip_if(
    "ELSEWHERE_ROLE" %in% names(shown), "the kernel has no PR_SET_MM_MAP"
  )
  own <- session$run(function() Sys.getenv())
  expect_setequal(names(shown), names(own))
  expect_identical(unclass(shown)[names(own)], unclass(own)[names(own)])
  expect_identical(shown[["TERM"]], "strange")
  expect_false(any(startsWith(names(shown), "ELSEWHERE_ROOM")))
})

test_that("the start of a forked session is that of its process", {
  .Call(ew_session_nurseries_stop)
  session <- local_session()
  skip_if_not_installed("ps")
  begun <- as.numeric(ps::ps_create_time(ps::ps_handle(session$get_pid())))
  expect_gte(as.numeric(session$get_start_time()), begun - 0.02)
})

test_that("a stand-in whose nursery dies before it forks becomes the session", {
  start_nursery()
  former <- nurseries()
  lapply(former, tools::pskill, tools::SIGSTOP)
  session <- local_session(wait = FALSE)
  lapply(former, tools::pskill, tools::SIGKILL)
  expect_identical(next_event(session)$code, 201L)
  expect_null(stand_in_of(session))
  expect_identical(session$get_pid(), session$run(function() Sys.getpid()))
  session$close()
  start_nursery()
})

test_that("the nursery ends with its owner", {
  owner <- local_r_process(c(
    "library(elsewhere)", "rs <- r_session$new()",
    "cat('ready', .Call(elsewhere:::ew_session_nurseries), '\\n')",
    "Sys.sleep(100)"
  ))
  pid <- as.integer(strsplit(read_line(owner, "^ready"), " ")[[1]][[2]])
  expect_true(is_process(pid))
  owner$kill(grace = 0)
  expect_true(within_a_second(function() !is_process(pid)))
})

test_that("the end of a session leaves children of parallel to that package", {
  owner <- local_r_process(bquote_lines({
    library(elsewhere)
    sessions <- lapply(1:2, function(i) r_session$new())
    go <- tempfile()
    child <- parallel::mcparallel({
      while (!file.exists(go)) Sys.sleep(0.01)
      "value"
    })
    sessions[[1L]]$close()
    sessions[[2L]]$kill()
    file.create(go)
    value <- parallel::mccollect(child)[[1L]]
    # A zombie has its folder in /proc.
    deadline <- Sys.time() + 30
    folder <- file.path("/proc", child$pid)
    while (dir.exists(folder) && Sys.time() < deadline) Sys.sleep(0.01)
    cat("got:", value, "reaped:", !dir.exists(folder), "\n")
  }))
  said <- read_line(owner, "got:")
  expect_match(said, "got: value reaped: TRUE", fixed = TRUE)
})
