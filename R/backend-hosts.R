# Workers on other machines: what plan(cluster) is told about them, and the
# command that leads to each.

# What the arguments of plan(cluster) come to. `hosts` are those that are not
# this machine, in order.
remote_settings <- function(hosts, tweaks) {
  rshcmd <- tweaks[["rshcmd"]]
  if (is.null(rshcmd)) rshcmd <- "ssh"
  rscript <- tweaks[["rscript"]]
  if (is.null(rscript)) rscript <- "Rscript"
  check_words(rshcmd, "rshcmd", 1L)
  check_words(tweaks[["rshopts"]], "rshopts", 0L)
  check_words(rscript, "rscript", 1L)
  check_words(tweaks[["rscript_libs"]], "rscript_libs", 0L)
  if (!is.null(tweaks[["user"]])) check_string(tweaks[["user"]], "user")
  # What starts so would be taken for an option.
  wrong <- grep("^-|^$|[[:space:]]", hosts, value = TRUE)
  if (length(wrong)) abort_argument("workers", "names of hosts", wrong)
  list(
    hosts = hosts, rshcmd = rshcmd, rshopts = tweaks[["rshopts"]],
    user = tweaks[["user"]], rscript = rscript,
    libraries = tweaks[["rscript_libs"]]
  )
}

check_words <- function(words, arg, least) {
  if (is.null(words) && least == 0L) return()
  if (!is.character(words) || length(words) < least || anyNA(words)) {
    abort_argument(arg, "a character vector", words)
  }
}

# What the engine needs to start them, for ew_pool_start.
remote_launch <- function(remote, setup, variables = NULL) {
  program <- unname(Sys.which(remote$rshcmd[[1L]]))
  if (!nzchar(program)) {
    stop(FutureLaunchError(sprintf(
      paste(
        "No worker can be started on %s: program %s is not on this machine.",
        "Install it (ssh is in package openssh-client), or name another one:",
        "`rshcmd =`."
      ),
      paste(sQuote(unique(remote$hosts), FALSE), collapse = ", "),
      sQuote(remote$rshcmd[[1L]], FALSE)
    )))
  }
  command <- remote_command(remote, variables)
  list(
    hosts = remote$hosts,
    program = program,
    arguments = lapply(remote$hosts, function(host) {
      c(
        remote$rshcmd[-1L], remote$rshopts, ssh_options(program),
        if (!is.null(remote$user)) c("-l", remote$user), host, command
      )
    }),
    version = as.character(utils::packageVersion("elsewhere")),
    setup = setup
  )
}

# ssh takes the first value that it is given for an option, so those of the user
# come before these. Nobody is there to type a password; a connection that is
# dead is found so within a minute.
ssh_options <- function(program) {
  if (!startsWith(basename(program), "ssh")) return(NULL)
  c(
    "-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15",
    "-o", "ServerAliveCountMax=3"
  )
}

# What the login shell there runs: R, which finds the package and becomes a
# worker, or says what is missing. Single quotes are the same in every shell.
# That worker is R started anew, with the environment that is set here.
remote_command <- function(remote, variables = NULL) {
  set <- as.call(c(quote(Sys.setenv), lapply(variables, call_for_text)))
  code <- bquote(local({
    .libPaths(c(.(remote$libraries), .libPaths()))
    place <- find.package("elsewhere", quiet = TRUE)
    if (!length(place)) {
      cat(
        "elsewhere is not installed there: R ", format(getRversion()), " (",
        R.home(), ") does not find it in any of ",
        paste(.libPaths(), collapse = ", "),
        ". Install it, or name its library: ",
        "rscript_libs = .\n",
        sep = "", file = stderr()
      )
      quit("no", 3L)
    }
    place <- place[[1L]]
    start <- file.path(place, "worker", "remote.R")
    if (!file.exists(start)) {
      cat(
        "elsewhere is too old there, in ", place, ". Install the same version ",
        "as here.\n", sep = "", file = stderr()
      )
      quit("no", 3L)
    }
    .(if (length(variables)) set)
    source(start, local = TRUE)
  }))
  text <- gsub(
    "'", "\"", paste(deparse(code, width.cutoff = 500L), collapse = "\n")
  )
  paste(c(
    vapply(remote$rscript, shQuote, ""),
    "--default-packages=base", "-e", shQuote(gsub("\n[[:space:]]*", "; ", text))
  ), collapse = " ")
}

# Code for a string, without quotes in it.
call_for_text <- function(text) {
  if (!grepl("['\"\\\\\n]", text)) return(text)
  call("intToUtf8", utf8ToInt(text))
}

# Waits until every worker has come up. Where one has not, there is no pool.
await_remote_start <- function(pool) {
  is_up <- FALSE
  on.exit(if (!is_up) pool_stop(pool))
  state <- .Call(ew_pool_wait_for_start, pool, Inf)
  if (is.character(state)) {
    stop(FutureLaunchError(paste0(
      "`plan(cluster)` could not start its workers: ", state
    )))
  }
  is_up <- TRUE
}
