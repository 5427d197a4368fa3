# The leak check is what other tests lean on, so it is tested itself.

test_that("a test that cleans up passes the leak check", {
  local_leak_check()
  connection <- file(withr::local_tempfile(), "w")
  withr::defer(close(connection))
  child <- processx::process$new("sleep", "60")
  withr::defer(child$kill())
  expect_true(child$is_alive())
})

test_that("a descriptor, a process and its child left behind are found", {
  before <- leak_snapshot()
  connection <- file(withr::local_tempfile(), "w")
  child <- processx::process$new("sh", c("-c", "sleep 60 & echo on; wait"),
    stdout = "|"
  )
  child$poll_io(60000)
  left <- leaks_since(before, seconds = 0)
  expect_match(left, "^descriptor", all = FALSE)
  expect_match(left, "^process [0-9]+: sh", all = FALSE)
  expect_match(left, "^process [0-9]+: sleep 60", all = FALSE)
  child$kill_tree()
  child$wait()
  rm(child)
  close(connection)
  expect_identical(leaks_since(before), character())
})

test_that("an orphan is found by the mark in its environment", {
  before <- leak_snapshot()
  started <- processx::run("sh", c("-c", "sleep 60 >/dev/null 2>&1 & echo $!"))
  left <- leaks_since(before, seconds = 0)
  expect_match(left, "^process [0-9]+: sleep 60", all = FALSE)
  tools::pskill(as.integer(started$stdout))
  expect_identical(leaks_since(before), character())
})

test_that("what is allowed to stay is not reported", {
  before <- leak_snapshot()
  connection <- file(withr::local_tempfile(), "w")
  withr::defer(close(connection))
  expect_identical(leaks_since(before, 0, allow = "^descriptor"), character())
})

test_that("the check fails the test that leaks", {
  script <- withr::local_tempfile(fileext = ".R", lines = c(
    'test_that("a leaking test", {',
    "  local_leak_check(seconds = 0)",
    "  leaked <<- file(tempfile(), 'w')",
    "  expect_true(TRUE)",
    "})"
  ))
  inside <- new.env(parent = environment())
  inside$leaked <- NULL
  results <- test_file(
    script,
    reporter = "silent", env = inside, stop_on_failure = FALSE
  )
  close(inside$leaked)
  expect_identical(as.data.frame(results)$failed, 1L)
})

test_that("a thread and shared memory left behind are found", {
  left <- callr::r(function(helper) {
    library(elsewhere)
    options(elsewhere.wait_timeout = 60000)
    source(helper)
    before <- leak_snapshot()
    plan(multisession, workers = 2)
    kept <- future(numeric(4e6), seed = NULL)
    deadline <- Sys.time() + 60  # resolved() would take it out of its segment
    held <- "memfd:|shm/elsewhere-[^ ]+ .deleted"
    while (!any(grepl(held, leak_lines())) && Sys.time() < deadline) {
      Sys.sleep(0.01)
    }
    named <- tempfile("elsewhere-test-", "/dev/shm")
    on.exit(unlink(named))
    file.create(named)
    leaks_since(before, seconds = 0)
  }, list(normalizePath(test_path("helper-leaks.R"))))
  expect_match(left, "^thread [0-9]+: elsewhere-io", all = FALSE)
  shared <- "^descriptor [0-9]+: /(memfd:|dev/shm/)elsewhere"
  expect_match(left, shared, all = FALSE)
  expect_match(left, "^process [0-9]+: .*/R ", all = FALSE)
  skip_if_not(file.access("/dev/shm", 2L) == 0L)
  expect_match(left, "^file /dev/shm/elsewhere-test-", all = FALSE)
})
