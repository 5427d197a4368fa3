# Sessions that a nursery forks: a clean R process that has started already, so
# that a new session takes milliseconds. What processx starts is a stand-in, a
# small program that ends as the session does; signals and questions about the
# process go to the session itself. See docs/decisions/.

# The connection by which a stand-in gets its session, in a list; NULL for a
# session that starts R itself. `environment` is complete, by name.
session_joint <- function(private, options, environment, binary, arguments) {
  if (!session_may_be_forked(private, options, environment)) return(NULL)
  given <- paste0(names(environment), "=", environment)
  descriptor <- .Call(
    ew_session_fork, session_start_key(options, environment, given),
    binary, arguments, given, shipped$session
  )
  if (is.na(descriptor)) NULL else list(processx::conn_create_fd(descriptor))
}

# Whether a fork sees what the session would see if R were started for it.
# Profiles may do anything at a time that has passed in a nursery; arguments and
# another R want another start; and what processx does for a process by number
# must be done for the right one.
session_may_be_forked <- function(private, options, environment) {
  way <- getOption("elsewhere.session_start", "nursery")
  check_choice(way, c("nursery", "exec"), "elsewhere.session_start")
  extra <- options$extra
  way == "nursery" &&
    identical(options$arch, "same") &&
    identical(options$cmdargs, worker_arguments()) &&
    !isTRUE(options$system_profile) && !isTRUE(options$supervise) &&
    !is.null(options$libpath) && !is.null(options$repos) &&
    is.na(environment["ELSEWHERE_USER_PROFILE"]) &&
    identical(environment[["R_PROFILE"]], "") &&
    length(private$files) == 0L &&
    all(names(extra) %in% c("wd", "env", "encoding", "cleanup_tree"))
}

# Sessions with the same key may be forked by the same nursery: R, the loader
# and the libraries have read the same at their start. What else differs is set
# after the fork.
session_start_key <- function(options, environment, given) {
  names <- names(environment)
  is_read <- grepl(start_variables, names)
  files <- environment_files(options$extra$wd, environment)
  about <- file.info(files, extra_cols = FALSE)
  paste(
    c(sort(given[is_read]), files, about$size, as.numeric(about$mtime)),
    collapse = "\n"
  )
}

# As in src/engine/workers/launch.cpp, which decides the same for pools.
start_variables <- paste0(
  "^(_?R_|LD_|LC_|LANG|OMP_|MKL_|BLIS_|GOTO_|OPENBLAS_|MALLOC_|",
  "GLIBC_TUNABLES|(TZ|HOME|EDITOR|VISUAL|DVIPS|DISPLAY|TEXI2DVI|",
  "ELSEWHERE_DLL)$)"
)

# The files from which R adds to its environment when it starts.
environment_files <- function(wd, environment) {
  chosen <- unname(environment["R_ENVIRON_USER"])
  own <- file.path(if (is.null(wd)) getwd() else wd, ".Renviron")
  site <- unname(environment["R_ENVIRON"])
  files <- c(
    if (is.na(site)) file.path(R.home("etc"), "Renviron.site") else site,
    if (!is.na(chosen)) chosen else if (file.exists(own)) own else "~/.Renviron"
  )
  files[file.exists(files)]
}

stand_in_file <- function() {
  if (is.null(installed$stand_in)) {
    installed$stand_in <- system.file(
      paste0("bin", .Platform$r_arch), "elsewhere-standin",
      package = "elsewhere", mustWork = TRUE
    )
  }
  installed$stand_in
}

# The session's own pid, not that of its stand-in. `handled` is what processx
# knows.
session_pid <- function(private, handled) {
  if (is.null(private$stand_in)) return(handled)
  if (is.null(private$forked_pid)) session_identify(private)
  if (is.null(private$forked_pid)) handled else private$forked_pid
}

# Waits until the session has said which process it is. A stand-in without a
# nursery becomes the session, and is like any other process from then on.
session_identify <- function(private) {
  if (is.null(private$stand_in) || !is.null(private$forked_pid)) return()
  process <- .Call(ew_session_process, private$link, private$stand_in)
  if (is.null(process)) {
    private$stand_in <- NULL
    return()
  }
  private$forked_pid <- as.integer(process[[1L]])
  private$starttime_raw <- private$starttime_raw + process[[2L]]
}

# TRUE if the signal was sent. As processx does it: newer ones signal the group.
session_signal <- function(private, super, number, ...) {
  session_identify(private)
  if (is.null(private$stand_in)) return(super$signal(number, ...))
  group <- list(...)$group
  if (is.null(group)) group <- isTRUE(formals(super$signal)$group)
  .Call(ew_session_signal, private$link, as.integer(number), isTRUE(group))
}

# First the signal that asks, then, after `grace` seconds, the one that does not;
# both to all the session has started.
session_kill <- function(self, private, super, grace, close_connections) {
  check_seconds(grace, "grace")
  was_alive <- self$is_alive()
  if (was_alive) {
    if (grace > 0) {
      session_signal_group(private, super, 15L)
      self$wait(as.integer(min(grace * 1000, .Machine$integer.max)))
    }
    if (self$is_alive()) {
      session_signal_group(private, super, 9L)
      if (!is.null(private$forked_pid)) self$wait(1000L)
    }
  }
  # Also closes the connections, and ends a stand-in that did not hear.
  super$kill(0, close_connections)
  was_alive && !self$is_alive()
}

session_signal_group <- function(private, super, number) {
  session_identify(private)
  if (is.null(private$stand_in)) {
    super$signal(number)
  } else {
    .Call(ew_session_signal, private$link, number, TRUE)
  }
}
