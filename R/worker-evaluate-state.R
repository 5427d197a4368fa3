# What a task must leave as it found it: options, environment variables, the
# working directory, the random state, connections, devices and, in a worker,
# the workspace. Base R only: these functions are shipped to workers.

process_state <- function(payload) {
  state <- .Call(ew_process_state)
  # If there is no state yet, the kind must be saved separately.
  if (is.null(state$seed) && !is.null(payload$seed)) state$kind <- RNGkind()
  # R closes connections that nobody holds when it collects garbage. While they
  # are held here, what is gone afterwards was closed by the expression.
  opened <- state$connections[state$connections > 2L]
  if (length(opened)) state$held <- lapply(opened, getConnection)
  if (isTRUE(payload$check_workspace)) {
    state$names <- ls(globalenv(), all.names = TRUE)
  }
  state
}

# Puts everything back. The answer names what should not have happened: a list
# with one entry a kind, or NULL.
process_restore <- function(state, payload) {
  # The connection of a sink cannot be closed.
  if (is_worker() && message_sink() != 2L) sink(type = "message")
  changes <- .Call(ew_process_changes, state)
  misuse <- if (changes != 0L) restore_changed(changes, state, payload)
  if (isTRUE(payload$check_workspace)) {
    known <- c(state$names, names(payload$globals), ".Random.seed")
    new <- setdiff(ls(globalenv(), all.names = TRUE), known)
    if (length(new)) {
      misuse$GlobalEnvMisuse <- list(names = new)
      # If new variables are checked for, they are also removed.
      rm(list = new, envir = globalenv())
    }
  }
  if (is_worker()) {
    setTimeLimit()
    if (!isTRUE(payload$keep)) .Call(ew_clear_workspace)
  }
  misuse
}

# The number of the connection that messages go to; 2 is standard error. A
# worker has a quicker one, see evaluate_prepare().
message_sink <- function() sink.number(type = "message")

# `changes` has the bits of StateChange in src/bridge/process_state.h.
restore_changed <- function(changes, state, payload) {
  has_changed <- function(bit) bitwAnd(changes, bit) != 0L
  misuse <- NULL
  # Options that a package set when it was loaded stay: it may need them.
  drop_new <- is_worker() && !isTRUE(payload$keep) &&
    length(loadedNamespaces()) == state$namespaces
  if (has_changed(1L)) {
    restore_options(
      .Call(ew_state_list, state$options),
      drop_new = drop_new
    )
  }
  if (has_changed(2L)) {
    restore_variables(
      variables_from(state$variables), .Call(ew_environment_variables), drop_new
    )
  }
  if (has_changed(4L)) setwd(state$directory)
  if (has_changed(8L)) {
    if (!is.null(payload$seed)) {
      restore_seed(state$seed, state$kind)
    } else if (!identical(payload$check_rng, FALSE) &&
      has_drawn(state$seed, .GlobalEnv$.Random.seed)) {
      misuse$Rng <- list()
    }
    # Clearing the workspace drops the state, but not the kind.
    if (is_worker() && !isTRUE(payload$keep)) {
      RNGkind("default", "default", "default")
    }
  }
  if (has_changed(16L)) {
    misuse <- c(misuse, devices_misuse(.Call(ew_state_list, state$devices)))
  }
  if (is_worker()) {
    if (has_changed(64L) && !isTRUE(payload$keep)) restore_search(state$search)
    if (has_changed(128L)) restore_locale(state$locale)
  }
  # Devices have just been closed, and their files with them.
  if (!identical(getAllConnections(), state$connections)) {
    misuse$ConnectionMisuse <- connections_misuse(state$connections)
  }
  misuse
}

# NAME=value from the bytes of them all, each ended by a zero byte.
variables_from <- function(block) {
  ends <- which(block == as.raw(0L))
  starts <- c(1L, ends[-length(ends)] + 1L)
  mapply(function(start, end) {
    rawToChar(block[start + seq_len(end - start) - 1L])
  }, starts, ends)
}

# `locale` is one name, or CATEGORY=name for each, separated by semicolons.
restore_locale <- function(locale) {
  parts <- strsplit(
    strsplit(locale, ";", fixed = TRUE)[[1L]], "=", fixed = TRUE
  )
  if (length(parts) == 1L) return(Sys.setlocale("LC_ALL", locale))
  for (part in parts) {
    is_known <- part[[1L]] %in% c(
      "LC_COLLATE", "LC_CTYPE", "LC_MONETARY", "LC_TIME", "LC_MESSAGES",
      "LC_PAPER", "LC_MEASUREMENT"
    )
    if (is_known) Sys.setlocale(part[[1L]], part[[2L]])
  }
}

# Detaches what was attached before `first`, and leaves its namespace loaded.
restore_search <- function(first) {
  env <- parent.env(globalenv())
  count <- 0L
  while (!identical(env, first)) {
    # Something was detached: what is gone does not come back here.
    if (identical(env, emptyenv())) return()
    env <- parent.env(env)
    count <- count + 1L
  }
  for (i in seq_len(count)) try(detach(pos = 2L, force = TRUE), silent = TRUE)
}

# Options that were there get their values back; with `drop_new` others go.
restore_options <- function(before, drop_new = FALSE) {
  now <- as.list(.Options)
  if (identical(now, before)) return(invisible())
  names <- names(before)
  changed <- names[!mapply(identical, before, now[names])]
  if (length(changed)) options(before[changed])
  new <- if (drop_new) setdiff(names(now), names)
  if (length(new)) {
    options(structure(vector("list", length(new)), names = new))
  }
}

# A worker closes what was left open; here it may be the user's.
connections_misuse <- function(before) {
  now <- getAllConnections()
  added <- setdiff(now, before)
  names <- vapply(added, function(id) {
    about <- summary(getConnection(id))
    sprintf("%s '%s'", about$class, about$description)
  }, "")
  if (is_worker()) {
    for (id in added) try(close(getConnection(id)), silent = TRUE)
  }
  list(added = added, names = names, removed = setdiff(before, now))
}

# `before` is the list of devices as `.Devices` held it.
devices_misuse <- function(before) {
  kind_of <- function(device) device[[1L]]
  kinds <- vapply(.Devices, kind_of, "")
  former <- vapply(before, kind_of, "")[seq_along(kinds)]
  opened <- which(
    !kinds %in% c("", "null device") & (is.na(former) | former != kinds)
  )
  if (!length(opened)) return(NULL)
  by_default <- vapply(.Devices[opened], function(device) {
    identical(attr(device, "filepath"), "Rplots.pdf")
  }, NA)
  if (is_worker()) {
    for (id in opened) try(grDevices::dev.off(id), silent = TRUE)
  }
  misuse <- NULL
  if (any(by_default)) misuse$DefaultDeviceMisuse <- list()
  if (any(!by_default)) {
    misuse$DeviceMisuse <- list(devices = kinds[opened][!by_default])
  }
  misuse
}

# `before` and `now` hold NAME=value. With `drop_new` what was added goes.
restore_variables <- function(before, now, drop_new = FALSE) {
  names_of <- function(entries) sub("=.*", "", entries)
  changed <- setdiff(before, now)
  if (length(changed)) {
    values <- sub("[^=]*=", "", changed)
    names(values) <- names_of(changed)
    do.call(Sys.setenv, as.list(values))
  }
  new <- if (drop_new) setdiff(names_of(now), names_of(before))
  if (length(new)) Sys.unsetenv(new)
  invisible(changed)
}

# Code that may draw makes a seed where there is none, as each function of Rcpp
# does, and later's callbacks. In such a one of the generators that futures meet
# (3: Mersenne Twister, 7: L'Ecuyer) each number follows from the one before.
has_drawn <- function(before, after) {
  if (!is.null(before) || is.null(after)) return(!identical(before, after))
  numbers <- switch(as.character(after[[1L]] %% 100L),
    "3" = after[-(1:2)], "7" = after[-1L]
  )
  if (is.null(numbers)) return(TRUE)
  following <- (69069 * (numbers %% 2^32) + 1) %% 2^32
  !all(following[-length(following)] == numbers[-1L] %% 2^32)
}

restore_seed <- function(seed, kind) {
  if (is.null(seed)) {
    # Some kinds are warned about, which was done when they were chosen.
    if (!is.null(kind)) {
      suppressWarnings(RNGkind(kind[[1L]], kind[[2L]], kind[[3L]]))
    }
    if (exists(".Random.seed", globalenv(), inherits = FALSE)) {
      rm(".Random.seed", envir = globalenv())
    }
  } else {
    assign(".Random.seed", seed, envir = globalenv())
    # R reads its kind from there, and keeps it if the seed is removed later.
    RNGkind()
  }
}
