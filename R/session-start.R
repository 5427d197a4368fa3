# How a session's process starts. Its channel is a socket pair: one end becomes
# the descriptor 3 of the process, and a duplicate of the other one is what
# processx polls, so that a session is ready exactly when its channel is.

# What a session, and a process that runs one function, keep to themselves.
session_fields <- function() {
  list(
    link = NULL,
    # As they were given, and as hooks have changed them.
    asked = NULL,
    options = NULL,
    # What $setup() runs again: a list of list(func, args, package).
    setups = list(),
    # The function that runs, for the report of a crash.
    running = NULL,
    state = "starting",
    started_at = NULL,
    call_started_at = NULL,
    # The process and the object that own the session: a copy of the object, or
    # of this process, does not end it. In a list, which a deep clone leaves
    # alone.
    owner = NULL,
    original = NULL,
    # The pid of the process that processx holds for a session that a nursery
    # has forked, and that of the session, once it is known.
    stand_in = NULL,
    forked_pid = NULL,
    request = NULL,
    # Files of this process for the start of the session, and the temporary
    # directory of the session, which stays when it is killed: the one made for
    # it, and the one it has told us of.
    files = character(),
    temporary_directories = character(),
    # Which streams of a call end in memory, and come with its result.
    keeps = c(TRUE, TRUE),
    # The last event of all, repeated by read().
    ending = NULL,
    # Who waits for the event that ends what is under way.
    promise = NULL,
    on_event = NULL,
    # That of its life, when telemetry is on; see R/session-telemetry.R.
    span = NULL
  )
}

session_start <- function(self, private, super, options, wait, wait_timeout,
                          is_given) {
  check_flag(wait, "wait")
  check_milliseconds(wait_timeout, "wait_timeout")
  limit <- new_limit(wait_timeout / 1000, is_given)
  private$asked <- options
  options <- check_session_options(run_session_hooks(options))
  options <- with_life_span(private, options, "callr::r_session")
  is_started <- FALSE
  on.exit(if (!is_started) end_life_span(private, "error"))
  targets <- session_targets(options)
  private$keeps <- targets == "memory"
  session_launch(self, private, super, options, list(
    stdin = "|",
    stdout = if (identical(options$stdout, "")) "" else "|",
    stderr = if (identical(options$stderr, "")) "" else "|"
  ))
  .Call(ew_session_set_up, private$link, list(
    functions = shipped$session,
    load_hook = options$load_hook,
    error = options$error,
    output = targets
  ))
  if (wait) session_wait_for_start(self, private, limit, wait_timeout)
  is_started <- TRUE
  invisible(self)
}

# callr's.
default_wait_timeout <- function() getOption("elsewhere.wait_timeout", 3000)

session_setup <- function(self, private, func, args, package) {
  value <- session_run(self, private, func, args, package, Inf)
  private$setups <- c(private$setups, list(list(func, args, package)))
  invisible(value)
}

# The object stays, and all that it knows of its process is forgotten.
session_restart <- function(self, private, super, wait_timeout, is_given) {
  self$close(grace = if (private$state == "idle") 1000 else 0)
  setups <- private$setups
  asked <- private$asked
  fields <- session_fields()
  for (name in names(fields)) private[[name]] <- fields[[name]]
  session_start(self, private, super, asked, TRUE, wait_timeout, is_given)
  # Finalizers run in the reverse of their order, and that of the object needs
  # the new link.
  reg.finalizer(self, finalize_session, onexit = TRUE)
  private$setups <- setups
  for (one in setups) {
    session_run(self, private, one[[1L]], one[[2L]], one[[3L]], Inf)
  }
  invisible(self)
}

# Holds no session itself.
finalize_session <- function(session) session$finalize()
environment(finalize_session) <- baseenv()

# Starts the process, and makes the connection to it. `streams` are processx's
# stdin, stdout and stderr.
session_launch <- function(self, private, super, options, streams) {
  check_processx()
  private$options <- options
  private$owner <- Sys.getpid()
  private$original <- list(self)
  binary <- session_binary(options$arch, options$cmdargs)
  opened <- .Call(ew_session_open, private$keeps[1L], private$keeps[2L])
  private$link <- opened[[1L]]
  theirs <- processx::conn_create_fd(opened[[2L]][1L])
  poll_connection <- processx::conn_create_fd(opened[[2L]][2L])
  has_process <- FALSE
  # An object that is not made in full has no finalizer.
  on.exit(if (!has_process) {
    close(poll_connection)
    private$state <- "finished"
    self$cleanup()
    .Call(ew_session_close, private$link)
  })
  session_exec(private, super, options, streams, binary, theirs)
  has_process <- TRUE
  processx_polls(private, poll_connection)
  .Call(
    ew_session_guard_process, private$link, processx_handle(private),
    if (is.null(private$stand_in)) self$get_pid() else NA_integer_
  )
  private$started_at <- Sys.time()
}

session_exec <- function(private, super, options, streams, binary, theirs) {
  passed_on <- list(theirs)
  on.exit(for (one in passed_on) close(one))
  extra <- options$extra
  arguments <- session_arguments(options$cmdargs)
  plain <- session_environment(private, options)
  environment <- with_own_directory(private, plain, extra$wd)
  joint <- session_joint(
    private, options, plain, environment, binary, arguments, theirs
  )
  passed_on <- c(passed_on, joint)
  # Of a stand-in, too: it starts R where no nursery forks.
  environment <- keep_own_directory(private, environment, extra$wd)
  own <- list(
    command = if (is.null(joint)) binary else stand_in_file(),
    args = if (is.null(joint)) arguments else c(binary, arguments),
    stdin = streams$stdin,
    stdout = streams$stdout,
    stderr = streams$stderr,
    poll_connection = FALSE,
    connections = c(passed_on, extra$connections),
    env = environment,
    supervise = options$supervise
  )
  extra$connections <- NULL
  extra$env <- NULL
  own[names(extra)] <- extra
  do.call(super$initialize, own)
  if (!is.null(joint)) {
    private$stand_in <- super$get_pid()
    processx_shows(private, binary, arguments)
  }
}

# Where the worker sends the output of calls; see OutputRedirect.
session_targets <- function(options) {
  c(
    session_target(options$stdout),
    if (identical(options$stderr, "2>&1")) {
      "2>&1"
    } else {
      session_target(options$stderr)
    }
  )
}

session_target <- function(target) {
  if (is.null(target)) return("memory")
  if (target %in% c("|", "")) return("")
  folder <- dirname(target)
  if (!dir.exists(folder)) {
    abort(
      paste0(
        "Cannot write to `", target, "`: folder `", folder,
        "` does not exist. Create it, or choose another file for the output."
      ),
      "elsewhere_worker_start", home = c("callr_error", "rlib_error")
    )
  }
  # The session may have another working directory.
  file.path(normalizePath(folder, mustWork = TRUE), basename(target))
}

# --vanilla and its parts would keep the worker from starting. What they ask
# for is done in other ways: profiles are run only where the options say so.
session_arguments <- function(arguments) {
  expanded <- lapply(arguments, function(one) {
    switch(one,
      "--vanilla" = c("--no-save", "--no-restore", "--no-environ"),
      "--no-init-file" = ,
      "--no-site-file" = NULL,
      one
    )
  })
  expanded <- as.character(unlist(expanded))
  # R asks for one of them where nobody types.
  says <- any(c("--save", "--no-save") %in% expanded)
  c(expanded, if (!says) "--no-save")
}

# The complete environment of the process, by name.
session_environment <- function(private, options) {
  given <- c(options$env, options$extra$env, CALLR_IS_RUNNING = "true")
  given <- given[names(given) != "" | given != "current"]
  given <- c(libpath_variables(options$libpath, given), given)
  # What the caller says about profiles is for the session, whose own start is
  # by a profile, too.
  profile <- session_user_profile(options, given)
  environment <- Sys.getenv()
  variables <- c(
    given,
    worker_variables(isTRUE(options$system_profile)),
    ELSEWHERE_BEFORE_PROFILE = session_preamble(options),
    if (!is.null(profile)) c(ELSEWHERE_USER_PROFILE = profile),
    session_renviron(private, given)
  )
  hidden <- c("R_PROFILE", "R_PROFILE_USER", "GLIBC_TUNABLES")
  for (name in intersect(names(given), hidden)) {
    variables[[paste0("ELSEWHERE_SAVED_", name)]] <- given[[name]]
    if (name == "GLIBC_TUNABLES") {
      variables[name] <- with_large_pages(given[[name]])
    } else if (name == "R_PROFILE" && !is.na(given[[name]])) {
      variables <- variables[!(names(variables) == name & variables == "")]
    }
  }
  # A name may come twice; the last word counts.
  variables <- variables[!duplicated(names(variables), fromLast = TRUE)]
  environment <- c(
    unclass(environment)[setdiff(names(environment), names(variables))],
    variables
  )
  environment[!is.na(environment)]
}

# The environment with a temporary directory for the session alone, made here so
# that it can be removed however the session ends. R makes its directory inside,
# which then takes the place of this one; see src/bridge/worker/own_directory.h.
with_own_directory <- function(private, environment, wd) {
  parents <- environment[c("TMPDIR", "TMP", "TEMP")]
  parents <- c(parents[!is.na(parents) & nzchar(parents)], "/tmp")
  is_relative <- !startsWith(parents, "/")
  if (any(is_relative)) {
    home <- normalizePath(if (is.null(wd)) "." else wd)
    parents[is_relative] <- file.path(home, parents[is_relative])
  }
  own <- .Call(ew_session_directory, parents)
  # Without one, R says why.
  if (is.null(own)) return(environment)
  private$temporary_directories <- own
  saved <- environment["TMPDIR"]
  environment[c("TMPDIR", "ELSEWHERE_TMPDIR")] <- own
  if (!is.na(saved)) environment["ELSEWHERE_SAVED_TMPDIR"] <- saved
  environment
}

# R reads its environment files before it makes its directory. Where one says
# TMPDIR, R would make that in a place that nobody knows of while R starts. So R
# reads a copy without such lines, and the lines when it has started.
keep_own_directory <- function(private, environment, wd) {
  pattern <- "^[[:space:]]*TMPDIR[[:space:]]*="
  taken <- character()
  for (name in c("R_ENVIRON", "R_ENVIRON_USER")) {
    file <- environment_file(name, wd, environment)
    lines <- if (length(file)) readLines(file, warn = FALSE)
    is_taken <- grepl(pattern, lines, useBytes = TRUE)
    if (!any(is_taken)) next
    taken <- c(taken, lines[is_taken])
    saved <- paste0("ELSEWHERE_SAVED_", name)
    if (is.na(environment[saved])) {
      former <- environment[name]
      environment[saved] <- if (is.na(former)) "" else former
    }
    environment[name] <- temporary_copy(private, lines[!is_taken])
  }
  if (length(taken) > 0L) {
    environment["ELSEWHERE_RENVIRON"] <- temporary_copy(private, taken)
  }
  environment
}

# Lines for the start of a session, in a file that goes with it.
temporary_copy <- function(private, lines) {
  folder <- Sys.getenv("CALLR_TMPDIR")
  copy <- tempfile(
    "elsewhere-renviron-", if (nzchar(folder)) folder else tempdir()
  )
  writeLines(lines, copy, useBytes = TRUE)
  private$files <- c(private$files, copy)
  copy
}

# For the start alone: the session then has those of this process, or those of
# its options, for what it starts itself.
libpath_variables <- function(libpath, given) {
  if (is.null(libpath)) return(NULL)
  path <- paste(libpath, collapse = .Platform$path.sep)
  names <- c("R_LIBS", "R_LIBS_USER", "R_LIBS_SITE")
  saved <- Sys.getenv(names)
  chosen <- intersect(names, names(given))
  saved[chosen] <- given[chosen]
  saved[is.na(saved)] <- ""
  names(saved) <- paste0("ELSEWHERE_SAVED_", names)
  c(R_LIBS = path, R_LIBS_USER = path, saved)
}

# R code for the time before and after the user's profile. To write it takes as
# long as to fork a session, and it is nearly always the same.
session_preamble <- function(options) {
  asked <- options[c("libpath", "repos")]
  if (!identical(asked, preambles$asked)) {
    preambles$code <- preamble_code(asked$libpath, asked$repos)
    preambles$asked <- asked
  }
  preambles$code
}

preambles <- new.env(parent = emptyenv())

preamble_code <- function(libpath, repos) {
  code <- list(
    if (!is.null(libpath)) {
      # R makes that of the site from a variable that its environment file may
      # have changed once more; what it is can be set where R lets site profiles
      # do so. To set what is set already takes a hundred looks at folders.
      bquote({
        if (!identical(.Library.site, .(.Library.site))) {
          activeBindingFunction(".Library.site", baseenv())(.(.Library.site))
        }
        if (!identical(.libPaths(), .(libpath))) .libPaths(.(libpath))
      })
    },
    if (!is.null(repos)) call("options", repos = repos)
  )
  paste(unlist(lapply(code, deparse)), collapse = "\n")
}

session_user_profile <- function(options, given) {
  candidates <- if (identical(options$user_profile, "project")) {
    ".Rprofile"
  } else if (isTRUE(options$user_profile)) {
    chosen <- if ("R_PROFILE_USER" %in% names(given)) {
      given[["R_PROFILE_USER"]]
    } else {
      Sys.getenv("R_PROFILE_USER", NA)
    }
    # As R has it: empty is none.
    if (is.na(chosen)) c(".Rprofile", "~/.Rprofile") else chosen
  } else if ("R_PROFILE_USER" %in% names(given)) {
    given[["R_PROFILE_USER"]]
  }
  candidates <- as.character(candidates[!is.na(candidates)])
  found <- candidates[file.exists(candidates)]
  if (length(found) > 0L) normalizePath(found[[1L]])
}

# R reads the environment files itself. One that sets the user's profile would
# keep the worker from starting, so the session reads a copy without that.
session_renviron <- function(private, given) {
  value_of <- function(name) {
    if (name %in% names(given)) given[[name]] else Sys.getenv(name, NA)
  }
  site <- value_of("R_ENVIRON")
  own <- value_of("R_ENVIRON_USER")
  c(
    copied_renviron(private, "R_ENVIRON", site, "R_PROFILE", if (is.na(site)) {
      file.path(R.home("etc"), "Renviron.site")
    }),
    copied_renviron(
      private, "R_ENVIRON_USER", own, c("R_PROFILE", "R_LIBS"),
      if (is.na(own)) c(".Renviron", "~/.Renviron")
    )
  )
}

# The variable that makes R read the copy, and what the session finds in its
# place; NULL for a file that may stay.
copied_renviron <- function(private, name, value, unwanted, defaults) {
  candidates <- c(if (!is.na(value)) value, defaults)
  file <- candidates[file.exists(candidates)][1L]
  if (is.na(file)) return(NULL)
  text <- readChar(file, file.size(file), useBytes = TRUE)
  has_one <- vapply(unwanted, grepl, NA, text, fixed = TRUE, useBytes = TRUE)
  if (!any(has_one)) return(NULL)
  lines <- readLines(file, warn = FALSE)
  pattern <- paste0(
    "^[[:space:]]*(export[[:space:]]+)?(", paste(unwanted, collapse = "|"), ")"
  )
  kept <- grep(pattern, lines, value = TRUE, invert = TRUE)
  if (length(kept) == length(lines)) return(NULL)
  copy <- temporary_copy(private, kept)
  former <- if (is.na(value)) "" else value
  structure(c(copy, former), names = c(name, paste0("ELSEWHERE_SAVED_", name)))
}

# Waits for event 201 and keeps the pipes empty meanwhile.
session_wait_for_start <- function(self, private, limit, wait_timeout) {
  local_span(private, "r_session$initialize() wait")
  printed <- list(stdout = "", stderr = "")
  repeat {
    slice <- limit$slice()
    polled <- if (slice > 0) self$poll_io(as.integer(ceiling(slice * 1000)))
    if (identical(polled[["output"]], "ready")) {
      printed$stdout <- paste0(printed$stdout, self$read_output())
    }
    if (identical(polled[["error"]], "ready")) {
      printed$stderr <- paste0(printed$stderr, self$read_error())
    }
    if (identical(polled[["process"]], "ready")) {
      event <- self$read()
      if (identical(event$code, 201L)) return(invisible())
      if (!is.null(event)) return(abort_start(self, event, printed))
    }
    if (is.null(polled)) {
      return(abort_slow_start(self, private, printed, wait_timeout))
    }
    limit$spent()
  }
}

abort_start <- function(self, event, printed) {
  error <- new_session_error(
    "callr subprocess failed: Failed to start R session",
    status = self$get_exit_status(),
    stdout = paste0(printed$stdout, event$stdout),
    stderr = paste0(printed$stderr, event$stderr)
  )
  throw_session_error(error)
}

abort_slow_start <- function(self, private, printed, wait_timeout) {
  self$kill(grace = 0)
  session_let_go(private)
  abort(
    paste0(
      "Could not start R session, timed out after ", format(wait_timeout),
      " ms. Allow more time: `wait_timeout =`, or",
      " `options(elsewhere.wait_timeout =)` for all sessions."
    ),
    "elsewhere_worker_start",
    stdout = printed$stdout, stderr = printed$stderr,
    home = c("rlib_error_3_0", "rlib_error")
  )
}
