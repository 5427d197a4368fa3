#' Create options for a background session
#'
#' @param ... Named options. All others keep their default value:
#'   * `libpath`: character vector of existing folders: the library path of the
#'     session. The default is `.libPaths()`; `NULL` leaves it to R.
#'   * `repos`: named character vector or list: `options("repos")` of the
#'     session. The default is that of this session, with a CRAN mirror if none
#'     is set.
#'   * `stdout`, `stderr`: where the output of calls goes. `NULL` (the default)
#'     collects it and returns it with the result. `"|"` writes it to pipes, to
#'     be read by `$read_output()` and `$read_error()`. A file name appends it
#'     to that file, which is emptied when the session starts. `stderr = "2>&1"`
#'     sends it to the same place as `stdout`.
#'   * `error`: one of `"error"` (the default: raise it here), `"stack"` (also
#'     store the frames in `$stack`), `"debugger"` (also start
#'     [utils::debugger()] on them).
#'   * `cmdargs`: character vector: command line arguments for R.
#'   * `system_profile`: one logical, default `FALSE`: run the site profile?
#'   * `user_profile`: `"project"` (the default: only `.Rprofile` of the working
#'     directory), `TRUE` (as R does) or `FALSE`.
#'   * `env`: named character vector: environment variables; `NA` unsets one.
#'     The default is `c(TERM = "dumb")`.
#'   * `supervise`: one logical, default `FALSE`: let the supervisor process of
#'     processx watch the session, too?
#'   * `load_hook`: quoted code that runs once, when the session has started. If
#'     it fails, the session ends.
#'   * `extra`: named list: further arguments of `processx::process$new()`, such
#'     as `wd` and `encoding`.
#'   * `arch`: `"same"` (the default), a sub-architecture, or the path of an R
#'     executable.
#' @return A named list with all options.
#' @section Errors:
#' * `elsewhere_bad_argument` and `rlib_error`: an option has no name, or does
#'   not exist.
#' @examples
#' r_session_options(env = c(LANG = "C"))$env
#' @export
r_session_options <- function(...) {
  options <- default_session_options()
  given <- list(...)
  if (!all_named(given)) {
    abort(
      "is.named(new_opts) is not TRUE: give every option its name.",
      "elsewhere_bad_argument", home = "rlib_error"
    )
  }
  unknown <- setdiff(names(given), names(options))
  if (length(unknown) > 0L) {
    abort(
      paste0(
        "Unknown option", if (length(unknown) > 1L) "s", ": ",
        paste(sQuote(unknown), collapse = ", "), ". The options are ",
        paste0("`", setdiff(names(options), c("func", "args")), "`",
               collapse = ", "), "."
      ),
      "elsewhere_bad_argument", home = "rlib_error"
    )
  }
  # `NULL` is a value here, so the list is not shortened by it.
  for (name in names(given)) options[name] <- given[name]
  options
}

all_named <- function(x) {
  length(x) == 0L || (!is.null(names(x)) && all(nzchar(names(x))))
}

default_session_options <- function() {
  list(
    func = NULL,
    args = NULL,
    libpath = .libPaths(),
    repos = session_repos(),
    stdout = NULL,
    stderr = NULL,
    error = getOption("callr.error", "error"),
    cmdargs = worker_arguments(),
    system_profile = FALSE,
    user_profile = "project",
    env = c(TERM = "dumb"),
    supervise = FALSE,
    load_hook = NULL,
    extra = list(),
    arch = "same"
  )
}

session_repos <- function() {
  repos <- getOption("repos")
  mirror <- "https://cloud.r-project.org"
  if (is.null(repos)) return(c(CRAN = mirror))
  if (!"CRAN" %in% names(repos) || identical(repos[["CRAN"]], "@CRAN@")) {
    repos[["CRAN"]] <- mirror
  }
  repos
}

# `options` may be a list of some of them; the others have their defaults.
check_session_options <- function(options) {
  if (!is.list(options) || !all_named(options)) {
    abort_argument(
      "options", "a named list, see `r_session_options()`", options
    )
  }
  defaults <- default_session_options()
  absent <- setdiff(names(defaults), names(options))
  options[absent] <- defaults[absent]
  check_choice(options$error, c("error", "stack", "debugger"), "error")
  check_flag(options$system_profile, "system_profile")
  check_flag(options$supervise, "supervise")
  if (!identical(options$user_profile, "project") &&
      !isTRUE(options$user_profile) && !isFALSE(options$user_profile)) {
    wanted <- "\"project\", `TRUE` or `FALSE`"
    abort_argument("user_profile", wanted, options$user_profile)
  }
  check_variables(options$env, "env")
  extra <- options$extra
  if (!is.null(extra) && (!is.list(extra) || !all_named(extra))) {
    abort_argument("extra", "a named list", extra)
  }
  check_variables(extra$env, "extra$env", nameless = "current")
  for (stream in c("stdout", "stderr")) {
    if (!is.null(options[[stream]])) check_string(options[[stream]], stream)
  }
  if (is.function(options$load_hook)) {
    abort_argument("load_hook", "quoted code, see `quote()`", options$load_hook)
  }
  libpath <- as.character(options$libpath)
  missing <- libpath[!dir.exists(libpath)]
  if (length(missing) > 0L) {
    abort(
      paste0(
        "`libpath` must name existing folders, but `", missing[[1L]],
        "` does not exist. Create it, or leave it out."
      ),
      "elsewhere_bad_argument", arg = "libpath", value = options$libpath,
      home = c("callr_error", "rlib_error")
    )
  }
  options
}

# `NA` unsets a variable; all `NA` is no text. `nameless` may stand among them.
check_variables <- function(value, arg, nameless = character()) {
  named <- value[!value %in% nameless]
  has_names <- length(named) == 0L || (!is.null(names(named)) &&
                                         all_named(named))
  is_text <- is.character(value) || all(is.na(value))
  if (is.list(value) || !is_text || !has_names) {
    abort_argument(arg, "a named character vector", value)
  }
}

check_choice <- function(value, choices, arg) {
  if (!is.character(value) || length(value) != 1L || !value %in% choices) {
    wanted <- paste0("one of ", paste0("\"", choices, "\"", collapse = ", "))
    abort_argument(arg, wanted, value)
  }
}

# The R to start. A path has a slash; another word is a sub-architecture.
session_binary <- function(arch, arguments) {
  check_string(arch, "arch")
  path <- if (grepl("/", arch, fixed = TRUE)) {
    path.expand(arch)
  } else if (arch == "same") {
    worker_program(arguments)
  } else {
    file.path(R.home("bin"), arch, "R")
  }
  if (!file.exists(path)) {
    abort(
      sprintf("Cannot find R executable at `%s`, given by `arch`.", path),
      "elsewhere_worker_start", home = c("callr_error", "rlib_error")
    )
  }
  path
}
