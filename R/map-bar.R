# The progress bar of a map: elements done, rate and time left.

# A list of three functions: advance(n) for elements inside a chunk that is
# running, settle(n) for a chunk that is done, close().
map_bar <- function(show, total) {
  if (!show) {
    nothing <- function(...) NULL
    return(list(advance = NULL, settle = nothing, close = nothing))
  }
  frame <- environment()
  id <- cli::cli_progress_bar(
    total = total, auto_terminate = FALSE, .auto_close = FALSE,
    .envir = frame,
    format = paste(
      "{cli::pb_bar} {cli::pb_current}/{cli::pb_total}",
      "{cli::pb_rate} | {cli::pb_eta_str}"
    )
  )
  done <- 0L
  running <- 0L
  show_now <- function() {
    cli::cli_progress_update(
      set = min(total, done + running), id = id, .envir = frame
    )
  }
  list(
    advance = function(n) {
      running <<- running + n
      show_now()
    },
    settle = function(n) {
      done <<- done + n
      running <<- max(0L, running - n)
      show_now()
    },
    close = function() cli::cli_progress_done(id = id, .envir = frame)
  )
}
