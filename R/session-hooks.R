#' Change the options of every session that is started
#'
#' @param ... Named functions of one argument, the list of options, which
#'   return that list, changed. `NULL` removes the hook of that name. An error
#'   in a hook is ignored.
#' @return The names of the hooks there are, invisibly.
#' @section Errors:
#' * `elsewhere_bad_argument`: a hook without a name, or no function.
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
