# R from 4.4 on leaves SIGINT ignored in a process that was started so.
for (name in names(interrupt_starts)) {
  test_that(paste("interrupts arrive everywhere in a process started", name), {
    skip_on_cran()
    times <- interrupt_times(interrupt_starts[[name]])
    without <- grep("Ctrl-C$", names(times), value = TRUE, invert = TRUE)
    expect_setequal(without, interrupt_ways())
    # None is an error, and none took until something was killed: the grace is
    # two seconds.
    milliseconds <- suppressWarnings(as.numeric(times))
    expect_true(
      all(!is.na(milliseconds) & milliseconds < 1500),
      info = paste(names(times), times, collapse = "\n")
    )
  })
}

test_that("Ctrl-C ends every wait of a process in the foreground", {
  skip_on_cran()
  times <- interrupt_times("%s")
  waits <- grep("Ctrl-C$", names(times), value = TRUE)
  expect_length(waits, 5L)
  expect_true(all(as.numeric(times[waits]) < 1500))
})
