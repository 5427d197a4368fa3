# `expr` under a plan with workers that ssh starts on this machine, under the
# names of other machines.
remote_plan <- function(sshd, hosts = "node1", ..., env = parent.frame()) {
  local_plan(
    cluster, workers = hosts, rshopts = sshd$rshopts,
    rscript_libs = .libPaths(), ..., env = env
  )
}

test_that("workers on other machines evaluate futures, and nothing listens", {
  mark_children()
  sshd <- local_sshd()
  before <- listening_sockets()
  # That of the server.
  expect_length(before, 1L)
  remote_plan(sshd, c("node1", "node2"))
  expect_equal(nbrOfWorkers(), 2L)
  expect_identical(listening_sockets(), before)
  offset <- 1
  fs <- lapply(1:4, function(i) future(list(Sys.getpid(), i + offset)))
  got <- value(fs)
  expect_equal(vapply(got, `[[`, 0, 2L), 2:5)
  expect_false(Sys.getpid() %in% vapply(got, `[[`, 0L, 1L))
  f <- future({
    message("from afar")
    cat("printed\n")
    warning("careful")
    42
  })
  expect_output(
    expect_message(expect_warning(value(f), "careful"), "from afar"),
    "printed"
  )
  expect_error(value(future(stop("their error"))), "their error")
})

test_that("localhost among the hosts needs no ssh", {
  local_plan(cluster, workers = c("localhost", "127.0.0.1"), rshcmd = "no-such")
  expect_equal(value(future(6 * 7)), 42)
  sshd <- local_sshd()
  remote_plan(sshd, c("localhost", "node1"))
  meet <- meeting(2L)
  pids <- unique(unlist(value(lapply(1:2, function(i) {
    future({
      meet(i)
      Sys.getpid()
    })
  }))))
  expect_length(pids, 2L)
})

test_that("large values go to other machines and come back whole", {
  sshd <- local_sshd()
  remote_plan(sshd)
  x <- rnorm(2e6)
  f <- future(list(sum(x), rev(x)))
  expect_equal(value(f), list(sum(x), rev(x)))
})

test_that("a worker on another machine that dies is replaced", {
  sshd <- local_sshd()
  remote_plan(sshd)
  f <- future(tools::pskill(Sys.getpid(), 9))
  error <- error_of(value(f))
  expect_s3_class(error, "FutureInterruptError")
  expect_match(conditionMessage(error), "on `node1` was killed by signal 9")
  expect_equal(value(future(1 + 1)), 2)
  expect_match(
    conditionMessage(error_of(value(future(quit("no", 7))))), "status 7"
  )
  expect_equal(value(future(1 + 2)), 3)
})

test_that("cancel() and `timeout` reach what runs on another machine", {
  sshd <- local_sshd()
  remote_plan(sshd)
  pid <- value(future(Sys.getpid()))
  f <- future(repeat Sys.sleep(0.01))
  cancel(f, grace = 60)
  expect_error(value(f), class = "FutureCanceledError")
  # Interrupted, not killed: the worker is the same.
  expect_equal(value(future(Sys.getpid())), pid)
  f <- future(
    repeat tryCatch(Sys.sleep(10), interrupt = identity), timeout = 0.2
  )
  expect_error(value(f), class = "elsewhere_timeout")
  expect_false(value(future(Sys.getpid())) == pid)
  expect_true(wait_until(function() !is_process(pid)))
})

test_that("a worker on another machine that stays stopped is ended", {
  sshd <- local_sshd()
  remote_plan(sshd)
  f <- future({
    tools::pskill(Sys.getpid(), tools::SIGSTOP)
    "went on"
  })
  error <- error_of(value(f))
  expect_s3_class(error, "FutureInterruptError")
  expect_match(conditionMessage(error), "it was stopped by a signal")
  expect_equal(value(future(1 + 2)), 3)
  # A short stop is none.
  pid <- value(future(Sys.getpid()))
  f <- future({
    system(sprintf("(sleep 2.5; kill -CONT %d)", Sys.getpid()), wait = FALSE)
    tools::pskill(Sys.getpid(), tools::SIGSTOP)
    Sys.getpid()
  })
  expect_equal(value(f), pid)
})

test_that("a worker on another machine that has grown is replaced", {
  skip_without_memory()
  sshd <- local_sshd()
  remote_plan(sshd, recycle = c(memory = 50e6))
  pid <- value(future(Sys.getpid()))
  expect_equal(value(future(Sys.getpid())), pid)
  f <- future({
    held <- numeric(2e7) + 1
    registerS3method("print", "leak", local({
      kept <- held
      function(x, ...) kept
    }), envir = baseenv())
    Sys.getpid()
  })
  expect_equal(value(f), pid)
  expect_false(value(future(Sys.getpid())) == pid)
})

test_that("workers on other machines end with their owner", {
  sshd <- local_sshd()
  meet <- meeting(2L)
  owner <- local_r_process(bquote_lines({
    library(elsewhere)
    meet <- .(meet)
    plan(
      cluster, workers = c("node1", "node2"), rshopts = .(sshd$rshopts),
      rscript_libs = .(.libPaths())
    )
    fs <- lapply(1:2, function(i) future({
      meet(i)
      c(Sys.getpid(), tempdir())
    }))
    got <- value(fs)
    busy <- future(repeat 1)
    cat("pids:", vapply(got, `[[`, "", 1L), "\n")
    Sys.sleep(60)
  }))
  pids <- strsplit(read_line(owner, "pids:"), " +")[[1L]][2:3]
  expect_true(all(vapply(pids, is_process, NA)))
  owner$signal(9L)
  expect_true(wait_until(function() !any(vapply(pids, is_process, NA))))
})

test_that("a plan that is left leaves nothing on other machines", {
  sshd <- local_sshd()
  former <- plan(
    cluster, workers = "node1", rshopts = sshd$rshopts,
    rscript_libs = .libPaths()
  )
  there <- value(future(list(Sys.getpid(), tempdir())))
  plan(former)
  expect_true(wait_until(function() !is_process(there[[1L]])))
  expect_true(wait_until(function() !dir.exists(there[[2L]])))
})

test_that("a host that cannot be reached is an error with ssh's own words", {
  testthat::skip_if_not(nzchar(Sys.which("ssh")), "ssh is installed")
  former <- plan()
  refused <- function(...) {
    error_of(plan(cluster, workers = "node1", ...))
  }
  options <- c("-F", "none", "-o", "HostName=127.0.0.1")
  error <- refused(rshopts = c(options, "-p", free_port()))
  expect_s3_class(error, "FutureLaunchError")
  expect_match(conditionMessage(error), "Connection refused")
  expect_match(conditionMessage(error), "node1")
  error <- refused(rshopts = c("-F", "none", "-o", "HostName=nowhere.invalid"))
  expect_match(conditionMessage(error), "nowhere.invalid")
  expect_match(conditionMessage(refused(rshcmd = "no-such-ssh")), "no-such-ssh")
  expect_equal(class(plan()), class(former))
  expect_equal(value(future(1 + 1)), 2)
})

test_that("a user who is not let in, and a machine without R, are said", {
  sshd <- local_sshd()
  writeLines("", file.path(sshd$place, "authorized_keys"))
  error <- error_of(remote_plan(sshd))
  expect_match(conditionMessage(error), "Permission denied")
  file.copy(
    file.path(sshd$place, "user_key.pub"),
    file.path(sshd$place, "authorized_keys"), overwrite = TRUE
  )
  error <- error_of(remote_plan(sshd, rscript = "/no/such/Rscript"))
  expect_match(conditionMessage(error), "/no/such/Rscript")
})

test_that("a machine without the package says so, and where it looked", {
  sshd <- local_sshd()
  nothing <- withr::local_tempdir()
  error <- error_of(local_plan(
    cluster, workers = "node1", rshopts = sshd$rshopts,
    rscript = c(
      "env", "R_LIBS=", "R_LIBS_USER=none", "R_LIBS_SITE=none",
      "R_ENVIRON=/dev/null", "R_PROFILE=/dev/null", "Rscript"
    ),
    rscript_libs = nothing
  ))
  expect_s3_class(error, "FutureLaunchError")
  expect_match(conditionMessage(error), "elsewhere is not installed there")
  expect_match(conditionMessage(error), basename(nothing))
})

test_that("what a login shell prints is no harm", {
  sshd <- local_sshd(
    "ForceCommand echo welcome to the machine; eval \"$SSH_ORIGINAL_COMMAND\""
  )
  remote_plan(sshd)
  expect_equal(value(future(1 + 1)), 2)
})

test_that("arguments about other machines are checked", {
  expect_error(
    plan(cluster, workers = "-oProxyCommand=x"),
    class = "elsewhere_bad_argument"
  )
  expect_error(
    plan(cluster, workers = "node1", rshopts = 3),
    class = "elsewhere_bad_argument"
  )
  expect_error(
    plan(cluster, workers = "node1", user = 3), class = "elsewhere_bad_argument"
  )
})
