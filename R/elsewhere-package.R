#' @details
#' `vignette("elsewhere")` is the place to start.
#' @importFrom R6 R6Class
#' @useDynLib elsewhere, .registration = TRUE
#' @importFrom later later
#' @keywords internal
"_PACKAGE"

.onLoad <- function(libname, pkgname) {
  .Call(ew_border_init, raise)
  .Call(ew_engine_init, run_notified)
  bind_neighbours()
  options_from_variables()
  options_from_command_line()
  no_item$pointer <- .Call(ew_eval_init, topenv())
  follow_framework()
  when_loaded("shiny", watch_shiny)
  when_loaded("async", share_classes_with_async)
  when_loaded("coro", share_generators_with_coro)
}

.onAttach <- function(libname, pkgname) run_startup_script()

.onUnload <- function(libpath) {
  .Call(ew_engine_stop)
  library.dynam.unload("elsewhere", libpath)
}
