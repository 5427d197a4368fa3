#' Add a hook that changes the options of new sessions
#'
#' @param ... Named functions of one argument. Each gets the list of session
#'   options and returns a changed list. `NULL` removes the hook of that name.
#'   Errors in a hook are ignored.
#' @return The names of all hooks, invisibly.
#' @section Errors:
#' * `elsewhere_bad_argument`: a hook has no name, or is not a function.
#' @examples
#' add_hook(quiet = function(options) {
#'   options$env <- c(options$env, MY_QUIET = "yes")
#'   options
#' })
#' add_hook(quiet = NULL)
#' @export
add_hook <- function(...) {
  hooks <- list(...)
  if (!all_named(hooks)) {
    abort("Every hook must have a name.", "elsewhere_bad_argument")
  }
  for (name in names(hooks)) {
    if (!is.null(hooks[[name]])) check_function(hooks[[name]], name)
    session_hooks$all[[name]] <- hooks[[name]]
  }
  invisible(names(session_hooks$all))
}

session_hooks <- new.env(parent = emptyenv())
session_hooks$all <- list()

# In the order in which they were added.
run_session_hooks <- function(options) {
  for (hook in session_hooks$all) {
    options <- tryCatch(hook(options), error = function(e) options)
  }
  options
}
