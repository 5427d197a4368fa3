#' @details
#' Start with `vignette("sessions", "elsewhere")`,
#' `vignette("futures", "elsewhere")` or `vignette("async", "elsewhere")`. If
#' you come from the future package or from mirai, read
#' `vignette("moving-from-future", "elsewhere")`.
#'
#' @section Options of sessions:
#' * `elsewhere.session_start`: `"nursery"` (default) forks sessions from a
#'   clean R process if their options allow it, `"exec"` starts R for each.
#' * `elsewhere.wait_timeout`: how many milliseconds a session may take to
#'   start. Default: 3000.
#' * `callr.error`: `"error"` (default), `"stack"` or `"debugger"`, see
#'   [r_session_options()].
#' * `callr.traceback`: `TRUE` keeps the frames of an error in a session, for
#'   `$debug()`. Default: `FALSE`.
#' * `callr.keep.source`: `TRUE` sends functions with their source references.
#'   Default: `FALSE`.
#' * `callr.condition_handler_<class>`: a function of one argument. It is called
#'   with `callr_message` conditions of that class that no handler has muffled.
#'
#' @section Options of futures:
#' These are the options of the future package. Each but the last can also be
#' set by an environment variable, such as `R_FUTURE_RNG_ONMISUSE` for
#' `future.rng.onMisuse`, which is read when elsewhere is loaded.
#' * `future.plan`: the default plan: a strategy, its name, or a list of these.
#'   Default: [sequential].
#' * `future.plan.disallow`: character vector: names of strategies that [plan()]
#'   refuses.
#' * `future.startup.script`: `TRUE` (default) runs `.future.R`, from the
#'   working directory or else from the home directory, when the package is
#'   attached. A file name runs that file; `FALSE` runs none.
#' * `future.globals.maxSize`: maximum total size of the globals of a future, in
#'   bytes. Default: no limit.
#' * `future.globals.onMissing`: what to do when the code names something that
#'   does not exist: `"ignore"` (default), `"warning"` or `"error"`.
#' * `future.globals.onReference`: what to do when a global is an external
#'   pointer or a connection. Not set: an error if the code uses it and it would
#'   have to be sent to another process. `"error"`: always an error.
#'   `"warning"`, `"ignore"`: it is sent, but does not work there.
#' * `future.globals.resolve`: `TRUE` resolves futures among the globals and
#'   sends their values. Default: `FALSE`.
#' * `future.rng.onMisuse` (or `future.rng.misUse`),
#'   `future.connections.onMisuse`, `future.devices.onMisuse`,
#'   `future.defaultDevice.onMisuse`, `future.globalenv.onMisuse`: what to do
#'   when a future draws random numbers without a seed, leaves connections or
#'   graphics devices open, draws on the default device, or leaves variables in
#'   the workspace: `"ignore"`, `"warning"` or `"error"`, see [FutureCondition].
#'   Default: `"warning"`; for the workspace `"ignore"`.
#' * `future.state.onInvalid`: what to do when the field `state` of a future is
#'   set to something that is not a state: `"warning"` (default), `"error"` or
#'   `"ignore"`.
#' * `future.relay.immediate`: character vector: classes of conditions that are
#'   relayed while a future runs; `FALSE`: none. Default:
#'   `"immediateCondition"`.
#' * `future.journal`: `TRUE` logs each future's events with times. Default:
#'   `FALSE`.
#' * `future.cmdargs`: character vector: the command line in which `-p 4` is
#'   looked for, see [plan()]. Default: [commandArgs()].
#' @importFrom R6 R6Class
#' @useDynLib elsewhere, .registration = TRUE
#' @importFrom later later
"_PACKAGE"

.onLoad <- function(libname, pkgname) {
  .Call(ew_border_init, raise)
  .Call(ew_engine_init, run_notified)
  bind_later()
  bind_promises()
  options_from_variables()
  options_from_command_line()
  no_item$pointer <- .Call(ew_eval_init, topenv())
  strategy_fronts$framework_backend <- framework_backend
  follow_framework()
  when_loaded("shiny", watch_shiny)
  when_loaded("async", share_classes_with_async)
  when_loaded("coro", share_generators_with_coro)
  check_at_load()
}

.onAttach <- function(libname, pkgname) run_startup_script()

.onUnload <- function(libpath) {
  .Call(ew_engine_stop)
  library.dynam.unload("elsewhere", libpath)
}
