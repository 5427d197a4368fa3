test_that("many calls, sessions and crashes leave nothing behind", {
  withr::local_envvar(TMPDIR = withr::local_tempdir())
  soak(calls = 50, sessions = 8, crashes = 4)
  before <- soak_state()
  soak(calls = 300, sessions = 24, crashes = 12)
  left <- soak_left(before)
  expect_identical(left$lines, character())
  expect_lt(left$megabytes, 30)
})
