# Sessions that a nursery forks: a clean R process that has started already, so
# that a new session takes milliseconds. What processx starts is a stand-in, a
# small program that ends as the session does; signals and questions about the
# process go to the session itself. See docs/decisions/.

# The connection by which a stand-in gets its session, in a list; NULL for a
# session that starts R itself. `environment` is complete, by name; `plain` is
# without the session's own directory: a nursery may start with it. `channel` is
# the session's end of its channel.
session_joint <- function(private, options, plain, environment, binary,
                          arguments, channel) {
  if (!session_may_be_forked(private, options, environment)) return(NULL)
  entries <- function(variables) paste0(names(variables), "=", variables)
  asked <- .Call(
    ew_session_fork, private$link, session_start_key(options, environment),
    binary, arguments, entries(plain), shipped$session,
    processx::conn_get_fileno(channel), session_directory(options),
    entries(environment)
  )
  if (is.null(asked)) return(NULL)
  private$request <- asked[[2L]]
  list(processx::conn_create_fd(as.integer(asked[[1L]])))
}

# Whether a fork sees what the session would see if R were started for it.
# Profiles may do anything at a time that has passed in a nursery; arguments and
# another R want another start; and what processx does for a process by number
# must be done for the right one, which not every processx may let us say.
session_may_be_forked <- function(private, options, environment) {
  way <- getOption("elsewhere.session_start", "nursery")
  check_choice(way, c("nursery", "exec"), "elsewhere.session_start")
  extra <- options$extra
  way == "nursery" && processx_can_hold_forks() &&
    # NULL: the working directory has been removed.
    !is.null(session_directory(options)) &&
    identical(options$arch, "same") &&
    length(setdiff(options$cmdargs, worker_arguments())) == 0L &&
    all(c("--slave", "--no-save", "--no-restore") %in% options$cmdargs) &&
    !isTRUE(options$system_profile) && !isTRUE(options$supervise) &&
    !is.null(options$libpath) && !is.null(options$repos) &&
    is.na(environment["ELSEWHERE_USER_PROFILE"]) &&
    identical(environment[["R_PROFILE"]], "") &&
    length(private$files) == 0L &&
    all(names(extra) %in% c("wd", "env", "encoding", "cleanup_tree"))
}

session_directory <- function(options) {
  given <- options$extra$wd
  if (is.null(given)) getwd() else path.expand(given)
}

# What decides which nursery may fork a session, beside the arguments and the
# variables that are read at a start: the environment files, as they are now.
session_start_key <- function(options, environment) {
  files <- environment_files(options$extra$wd, environment)
  about <- file.info(files, extra_cols = FALSE)
  paste(
    c(worker_library(), files, about$size, as.numeric(about$mtime)),
    collapse = "\n"
  )
}

# The files from which R adds to its environment when it starts.
environment_files <- function(wd, environment) {
  c(
    environment_file("R_ENVIRON", wd, environment),
    environment_file("R_ENVIRON_USER", wd, environment)
  )
}

# The one that the variable `name` names, or that R takes without it.
environment_file <- function(name, wd, environment) {
  chosen <- unname(environment[name])
  file <- if (!is.na(chosen)) {
    chosen
  } else if (name == "R_ENVIRON") {
    file.path(R.home("etc"), "Renviron.site")
  } else {
    own <- file.path(if (is.null(wd)) getwd() else wd, ".Renviron")
    if (isTRUE(file.exists(own))) own else "~/.Renviron"
  }
  file[file.exists(file)]
}

stand_in_file <- function() installed_program("elsewhere-standin")

# The session's own pid, not that of its stand-in. `handled` is what processx
# knows.
session_pid <- function(private, handled) {
  if (is.null(private$stand_in)) return(handled)
  if (is.null(private$forked_pid)) session_identify(private, patience = 30)
  if (is.null(private$forked_pid)) handled else private$forked_pid
}

# Waits until the nursery has said which process it has forked. `pid` is what
# the session itself has said, if it has: a stand-in without a nursery becomes
# the session, and is like any other process from then on. FALSE if the nursery
# does not answer, as one that is stopped does not.
session_identify <- function(private, pid = NULL, patience = 10) {
  if (is.null(private$stand_in) || !is.null(private$forked_pid)) return(TRUE)
  process <- .Call(
    ew_session_process, private$link, private$request, private$stand_in,
    patience
  )
  if (identical(process, FALSE)) return(FALSE)
  if (!is.null(process)) {
    private$forked_pid <- as.integer(process[[1L]])
    processx_starts_later(private, process[[2L]])
  } else if (!is.null(pid) && !identical(pid, private$stand_in)) {
    private$forked_pid <- pid
  } else if (!is.null(pid)) {
    private$stand_in <- NULL
  }
  TRUE
}

# TRUE if the signal was sent. As processx does it: newer ones signal the group.
# Where the session's process is not known, its stand-in passes signals on.
session_signal <- function(private, super, number, ...) {
  group <- list(...)$group
  if (is.null(group)) group <- isTRUE(formals(super$signal)$group)
  is_sent <- session_signal_fork(private, number, isTRUE(group))
  if (is.null(is_sent)) super$signal(number, ...) else is_sent
}

session_signal_fork <- function(private, number, group) {
  if (!session_identify(private, patience = 2)) return(NULL)
  if (is.null(private$forked_pid)) return(NULL)
  .Call(ew_session_signal, private$link, as.integer(number), group)
}

# First the signal that asks, then, after `grace` seconds, the one that does
# not.
session_kill <- function(self, private, super, grace, close_connections,
                         is_given = TRUE) {
  check_seconds(grace, "grace")
  was_alive <- self$is_alive()
  # What a nursery forks for a stand-in that is gone does not stay.
  if (!session_identify(private, patience = 2)) super$signal(9L)
  end_by <- function(number, limit) {
    is_sent <- session_signal_fork(private, number, TRUE)
    if (is.null(is_sent)) super$signal(number)
    session_ends_within(limit, self, private)
  }
  if (was_alive && grace > 0) end_by(15L, new_limit(grace, is_given))
  if (self$is_alive()) end_by(9L, new_patience(1))
  # Also closes the connections.
  super$kill(0, close_connections)
  was_alive && !self$is_alive()
}

# The stand-in of a session ends a moment after it.
session_kill_tree <- function(self, private, super, grace, close_connections) {
  # By its mark it is found from everywhere.
  if (!identical(private$owner, Sys.getpid())) {
    abort(
      paste(
        "this process was forked from the owner of the session: use the",
        "session there, or start a new one here"
      ),
      "elsewhere_forked"
    )
  }
  session_identify(private)
  killed <- super$kill_tree(grace, close_connections)
  if (self$get_pid() %in% killed) {
    session_ends_within(new_deadline(1), self, private)
    private$state <- "finished"
    self$cleanup()
  }
  killed
}
