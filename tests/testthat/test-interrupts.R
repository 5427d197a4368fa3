# R from 4.4 on leaves SIGINT ignored in a process that was started so.
starts <- c(
  "in the foreground" = "%s",
  "with &" = "%s & wait $!",
  "with SIGINT ignored" = "trap '' INT; %s",
  "by nohup" = "trap '' INT; nohup %s"
)

for (name in names(starts)) {
  test_that(paste("interrupts arrive everywhere in a process started", name), {
    skip_on_cran()
    times <- interrupt_times(starts[[name]])
    expect_setequal(names(times), interrupt_ways)
    # Not one of them is an error, or took until something was killed: the grace is
    # two seconds.
    milliseconds <- suppressWarnings(as.numeric(times))
    expect_true(
      all(!is.na(milliseconds) & milliseconds < 1500),
      info = paste(names(times), times, collapse = "\n")
    )
  })
}
