# A start of R for a session, beside R itself: what a session costs that cannot
# be forked, or is the first one.

r_alone <- function() {
  arguments <- c("--vanilla", "--slave", "-e", shQuote("invisible()"))
  system2(file.path(R.home("bin"), "R"), arguments)
}

with_session_start <- function(how, code) {
  saved <- options(elsewhere.session_start = how)
  on.exit(options(saved))
  code
}

start_and_end <- function(new) new()$close()

bench_cold_start <- function() {
  result <- compare(
    list(
      "elsewhere, R started" = function() {
        with_session_start("exec", start_and_end(elsewhere::r_session$new))
      },
      "callr" = function() start_and_end(callr::r_session$new),
      "R --vanilla, to its end" = r_alone
    ),
    repetitions = 15, warm_up = 1
  )
  structure(result, title = "r_session$new() without a nursery, and $close()")
}

# The nursery is there from the second session on.
bench_cold_fork <- function() {
  result <- compare(
    list(
      "elsewhere, forked" = function() {
        with_session_start("nursery", start_and_end(elsewhere::r_session$new))
      },
      "R --vanilla, to its end" = r_alone
    ),
    repetitions = 15, warm_up = 2
  )
  structure(result, title = "r_session$new() from the nursery, and $close()")
}
