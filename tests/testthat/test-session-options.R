test_that("the options are callr's, in its order", {
  expect_identical(names(r_session_options()), c(
    "func", "args", "libpath", "repos", "stdout", "stderr", "error", "cmdargs",
    "system_profile", "user_profile", "env", "supervise", "load_hook", "extra",
    "arch"
  ))
})

test_that("an option that does not exist is named", {
  expect_error(
    r_session_options(foo = 1), "Unknown option: .foo.", class = "rlib_error"
  )
  expect_error(
    r_session_options(foo = 1, bar = 2), "Unknown options: .foo., .bar."
  )
  expect_error(r_session_options(1), "is.named\\(new_opts\\) is not TRUE")
  expect_null(r_session_options(libpath = NULL)$libpath)
})

test_that("environment variables are set, replaced and removed", {
  session <- local_session(env = c(A = "1", HOME = NA))
  expect_identical(
    session$run(
      function() Sys.getenv(c("A", "HOME", "TERM"), NA, names = FALSE)
    ),
    c("1", NA, Sys.getenv("TERM", NA))
  )
  plain <- local_session()
  expect_identical(plain$run(function() Sys.getenv("TERM")), "dumb")
  expect_identical(plain$run(function() Sys.getenv("CALLR_IS_RUNNING")), "true")
})

test_that("what starts the session is hidden from what it starts", {
  withr::local_envvar(R_PROFILE_USER = "/no/such/profile")
  session <- local_session()
  expect_identical(
    session$run(function() Sys.getenv("R_PROFILE_USER")), "/no/such/profile"
  )
  withr::local_envvar(R_PROFILE_USER = NA)
  session <- local_session()
  expect_identical(
    session$run(
      function() Sys.getenv(c("R_PROFILE_USER", "R_PROFILE"), NA, names = FALSE)
    ),
    c(NA_character_, NA)
  )
})

test_that("what speeds up the start is hidden from what is started", {
  tunables <- function() Sys.getenv("GLIBC_TUNABLES", NA)
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    withr::local_envvar(GLIBC_TUNABLES = NA)
    expect_identical(local_session()$run(tunables), NA_character_)
    withr::local_envvar(GLIBC_TUNABLES = "glibc.malloc.check=0")
    expect_identical(local_session()$run(tunables), "glibc.malloc.check=0")
    chosen <- local_session(env = c(GLIBC_TUNABLES = "glibc.malloc.perturb=0"))
    expect_identical(chosen$run(tunables), "glibc.malloc.perturb=0")
    without <- local_session(env = c(GLIBC_TUNABLES = NA))
    expect_identical(without$run(tunables), NA_character_)
  }
})

test_that("libpath and repos reach the session", {
  library <- withr::local_tempdir()
  session <- local_session(
    libpath = c(library, .libPaths()), repos = c(CRAN = "http://example.org")
  )
  expect_identical(
    session$run(function() .libPaths())[[1]], normalizePath(library)
  )
  expect_identical(
    session$run(function() getOption("repos")), c(CRAN = "http://example.org")
  )
  own <- local_session(libpath = NULL)
  expect_true(length(own$run(function() .libPaths())) > 0)
})

test_that("a library or an R that does not exist is said at once", {
  expect_error(
    local_session(libpath = "/does/not/exist"),
    "`libpath` must name existing folders, but `/does/not/exist` does not",
    class = "elsewhere_bad_argument"
  )
  expect_error(
    local_session(arch = "nope"), "Cannot find R executable at `.*nope/R`",
    class = "elsewhere_worker_start"
  )
})

test_that("the load hook runs once, its variables stay its own", {
  session <- local_session(load_hook = quote({
    hidden <- 1
    options(hook_ran = TRUE)
  }))
  expect_true(session$run(function() getOption("hook_ran")))
  expect_false(session$run(function() exists("hidden")))
})

test_that("a load hook may hold much, whoever waits for the start", {
  local_leak_check()
  for (count in c(1e4, 2e4, 3e4, 5e4, 1e5)) {
    numbers <- as.numeric(seq_len(count))
    hook <- bquote(options(elsewhere.test = .(numbers)))
    for (way in c("nursery", "exec")) {
      withr::local_options(elsewhere.session_start = way)
      session <- local_session(load_hook = hook, wait = FALSE)
      # Nothing but this looks at the session.
      polled <- processx::poll(list(session), 60000)[[1L]]
      expect_identical(polled[["process"]], "ready")
      expect_identical(session$read()$code, 201L)
      expect_identical(
        session$run(function() getOption("elsewhere.test")), numbers
      )
      session$close()
    }
  }
})

test_that("a load hook that fails ends the start with what R printed", {
  local_leak_check()
  error <- expect_error(
    local_session(load_hook = quote(stop("oops"))),
    "callr subprocess failed: Failed to start R session",
    class = "callr_status_error"
  )
  expect_match(error$stderr, "oops")
  expect_identical(error$status, 1L)
  session <- local_session(load_hook = quote(stop("oops")), wait = FALSE)
  event <- next_event(session)
  expect_identical(event$code, 501L)
  expect_match(event$stderr, "oops")
})

test_that("a start that takes too long is an error and leaves no process", {
  local_leak_check()
  expect_error(
    r_session$new(
      r_session_options(load_hook = quote(Sys.sleep(1000))), wait_timeout = 1
    ),
    "Could not start R session, timed out",
    class = "rlib_error"
  )
})

test_that("a load hook may print much", {
  session <- local_session(load_hook = quote(cat(strrep("x", 3e5))))
  expect_identical(session$run(function() 1), 1)
})

test_that("profiles run where the options ask for them", {
  folder <- withr::local_tempdir()
  writeLines(
    "options(profile_ran = TRUE); project_function <- function() 1",
    file.path(folder, ".Rprofile")
  )
  withr::local_dir(folder)
  session <- local_session()
  expect_true(session$run(function() getOption("profile_ran")))
  expect_identical(session$run(function() project_function()), 1)
  without <- local_session(user_profile = FALSE)
  expect_null(without$run(function() getOption("profile_ran")))
  elsewhere_folder <- withr::local_tempdir()
  withr::local_dir(elsewhere_folder)
  writeLines("options(chosen_ran = TRUE)", "chosen.R")
  withr::local_envvar(R_PROFILE_USER = file.path(elsewhere_folder, "chosen.R"))
  expect_null(local_session()$run(function() getOption("chosen_ran")))
  expect_true(
    local_session(user_profile = TRUE)$run(function() getOption("chosen_ran"))
  )
})

test_that("the site profile runs where the options ask for it", {
  profile <- withr::local_tempfile(lines = "options(site_ran = TRUE)")
  withr::local_envvar(R_PROFILE = profile)
  expect_null(local_session()$run(function() getOption("site_ran")))
  session <- local_session(system_profile = TRUE)
  expect_true(session$run(function() getOption("site_ran")))
  expect_identical(session$run(function() Sys.getenv("R_PROFILE")), profile)
})

test_that("an environment file cannot keep the session from starting", {
  folder <- withr::local_tempdir()
  writeLines(
    c("FROM_FILE=yes", "R_PROFILE_USER=/no/such", "R_LIBS=/no/library"),
    file.path(folder, ".Renviron")
  )
  withr::local_dir(folder)
  withr::local_envvar(R_ENVIRON_USER = NA)
  session <- local_session()
  expect_identical(session$run(function() Sys.getenv("FROM_FILE")), "yes")
  expect_identical(session$run(function() .libPaths()), .libPaths())
})

test_that("--vanilla does not keep the session from starting", {
  session <- local_session(cmdargs = c("--no-readline", "--slave", "--vanilla"))
  expect_identical(session$run(function() 1), 1)
})

test_that("stdout and stderr can be pipes", {
  session <- local_session(stdout = "|", stderr = "|")
  event <- session$run_with_output(function() {
    cat("to the pipe\n")
    1
  })
  expect_null(event$stdout)
  expect_null(event$stderr)
  session$poll_io(60000L)
  expect_identical(session$read_output(), "to the pipe\n")
})

test_that("stdout and stderr can be files, which calls append to", {
  folder <- withr::local_tempdir()
  output <- file.path(folder, "out.txt")
  session <- local_session(stdout = output, stderr = "2>&1")
  session$run(function() {
    cat("one\n")
    message("two")
    system("echo three")
  })
  expect_null(session$run_with_output(function() cat("four\n"))$stdout)
  expect_identical(readLines(output), c("one", "two", "three", "four"))
})

test_that("extra goes to the process", {
  session <- local_session(extra = list(wd = "/"))
  expect_identical(session$run(function() getwd()), "/")
})

test_that("supervise is honoured", {
  session <- local_session(supervise = TRUE)
  expect_true(session$is_supervised())
  session$supervise(FALSE)
  processx::supervisor_kill()
})

test_that("hooks change the options of every session", {
  withr::defer(add_hook(test = NULL))
  add_hook(test = function(options) {
    options$env <- c(options$env, FROM_HOOK = "yes")
    options
  })
  expect_identical(
    local_session()$run(function() Sys.getenv("FROM_HOOK")), "yes"
  )
  add_hook(test = function(options) stop("ignored"))
  expect_identical(local_session()$run(function() Sys.getenv("FROM_HOOK")), "")
  expect_error(
    add_hook(function(options) options), class = "elsewhere_bad_argument"
  )
})

test_that("a list of some options is enough", {
  session <- r_session$new(list(env = c(ONLY = "this")))
  withr::defer(session$close())
  expect_identical(session$run(function() Sys.getenv("ONLY")), "this")
  expect_error(r_session$new(1), class = "elsewhere_bad_argument")
  expect_error(r_session$new(list(1)), class = "elsewhere_bad_argument")
})

test_that("a profile sees the global environment, and the options win", {
  folder <- withr::local_tempdir()
  library <- withr::local_tempdir()
  writeLines(c(
    "here <- environmentName(environment())",
    "seen <- getOption('repos')[['CRAN']]",
    "options(repos = c(CRAN = 'http://profile'))",
    sprintf(".libPaths('%s')", folder)
  ), file.path(folder, ".Rprofile"))
  withr::local_dir(folder)
  session <- local_session(
    repos = c(CRAN = "http://option"), libpath = c(library, .libPaths())
  )
  expect_identical(
    session$run(function() c(here, seen, getOption("repos")[["CRAN"]])),
    c("R_GlobalEnv", "http://option", "http://option")
  )
  expect_identical(
    session$run(function() .libPaths()[[1]]), normalizePath(library)
  )
})

test_that("an empty R_PROFILE_USER is no profile", {
  folder <- withr::local_tempdir()
  writeLines("options(profile = 1)", file.path(folder, ".Rprofile"))
  withr::local_dir(folder)
  withr::local_envvar(R_PROFILE_USER = "")
  session <- local_session(user_profile = TRUE)
  expect_null(session$run(function() getOption("profile")))
})

test_that("libpath leaves the libraries of the site as they are", {
  folder <- withr::local_tempdir()
  session <- local_session(libpath = folder)
  old <- withr::local_libpaths(folder)
  expect_identical(session$run(function() .libPaths()), .libPaths())
})

test_that("a failing load hook says so as R does", {
  start_error <- function(code) {
    error <- tryCatch(local_session(load_hook = code), error = identity)
    error$stderr
  }
  expect_identical(start_error(quote(stop("x", call. = FALSE))), "Error: x\n")
  expect_identical(
    start_error(quote(stop("x\ny\n"))),
    "Error in callr_startup_hook() : x\ny\n"
  )
  expect_error(
    local_session(load_hook = function() 1), class = "elsewhere_bad_argument"
  )
})

test_that("an option of the wrong type is named, with what it may be", {
  wrong <- list(
    env = list(env = 3), extra = list(extra = 3),
    extra = list(extra = list("a")), user_profile = list(user_profile = "home")
  )
  for (i in seq_along(wrong)) {
    expect_error(
      r_session$new(wrong[[i]]), paste0("`", names(wrong)[[i]], "` must be"),
      fixed = TRUE, class = "elsewhere_bad_argument"
    )
  }
  expect_error(r_session$new(list(user_profile = "home")), "project")
})

test_that("hooks run in the order in which they were added", {
  withr::defer(add_hook(b = NULL, a = NULL))
  add_hook(b = function(options) {
    options$env["HOOKS"] <- "b"
    options
  })
  expect_identical(add_hook(a = function(options) {
    options$env["HOOKS"] <- paste0(options$env[["HOOKS"]], "a")
    options
  }), c("b", "a"))
  session <- local_session()
  expect_identical(session$run(function() Sys.getenv("HOOKS")), "ba")
  expect_identical(add_hook(b = NULL, a = NULL), character())
})

test_that("libraries are for the session, not for what it starts itself", {
  withr::local_envvar(R_LIBS = "/no/library", R_LIBS_USER = NA)
  look <- function() {
    list(
      c(.libPaths(), .Library.site),
      Sys.getenv(c("R_LIBS", "R_LIBS_USER", "R_LIBS_SITE"), NA, names = FALSE)
    )
  }
  libraries <- c(.libPaths(), .Library.site)
  site <- Sys.getenv("R_LIBS_SITE", NA)
  for (way in c("nursery", "exec")) {
    withr::local_options(elsewhere.session_start = way)
    rs <- local_session()
    expect_identical(
      rs$run(look), list(libraries, c("/no/library", NA, site)), label = way
    )
    rs <- local_session(env = c(R_LIBS = "/tmp"))
    expect_identical(rs$run(look)[[2L]][1:2], c("/tmp", NA), label = way)
  }
})

test_that("variables and files that cannot be are said to be so", {
  for (env in list("no name", list(A = "1"), c(A = "1", "2"), c(A = 1))) {
    expect_error(local_session(env = env), class = "elsewhere_bad_argument")
    expect_error(
      local_session(extra = list(env = env)), class = "elsewhere_bad_argument"
    )
  }
  session <- local_session(
    env = c(ELSEWHERE_TEST_N = "1"), extra = list(env = c("current", B = "b"))
  )
  seen <- session$run(function() Sys.getenv(c("ELSEWHERE_TEST_N", "B")))
  expect_identical(unname(seen), c("1", "b"))
  expect_error(
    local_session(stdout = file.path(tempdir(), "absent", "file")),
    "does not exist", class = "elsewhere_worker_start"
  )
})
