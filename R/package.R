#' @details
#' `vignette("sessions", "elsewhere")`, `vignette("futures", "elsewhere")` and
#' `vignette("async", "elsewhere")` are the places to start; who comes from the
#' future package or from mirai reads
#' `vignette("moving-from-future", "elsewhere")`.
#'
#' @section Options of sessions:
#' * `elsewhere.session_start`: `"nursery"` (default) forks sessions from a
#'   clean R process where their options allow it, `"exec"` starts R for each.
#' * `elsewhere.wait_timeout`: milliseconds that a session may take to start.
#'   Default: 3000.
#' * `callr.error`: `"error"` (default), `"stack"` or `"debugger"`, see
#'   [r_session_options()].
#' * `callr.traceback`: `TRUE` keeps the frames of an error in a session for
#'   `$debug()`. Default: `FALSE`.
#' * `callr.keep.source`: `TRUE` sends functions with their source references.
#'   Default: `FALSE`.
#' * `callr.condition_handler_<class>`: a function of one argument that takes
#'   the `callr_message` conditions of that class that nothing else has handled.
#'
#' @section Options of futures:
#' Those of the future package. Each but the last can be given by an environment
#' variable, `R_FUTURE_RNG_ONMISUSE` for `future.rng.onMisuse`, say, which is
#' read when elsewhere is loaded.
#' * `future.plan`: the plan where none was made: a strategy, its name, or a
#'   list of these. Default: [sequential].
#' * `future.plan.disallow`: character: names of strategies that [plan()]
#'   refuses.
#' * `future.startup.script`: `TRUE` (default): `.future.R`, here or at home, is
#'   run when the package is attached. A file name: that one; `FALSE`: none.
#' * `future.globals.maxSize`: bytes that the globals of a future may have.
#'   Default: no limit.
#' * `future.globals.onMissing`: what follows when the code names something that
#'   does not exist: `"ignore"` (default), `"warning"` or `"error"`.
#' * `future.globals.onReference`: what follows when a global is an external
#'   pointer or a connection. Not set: an error where the code uses it and it
#'   would have to travel; `"error"`: in every case; `"warning"`, `"ignore"`: it
#'   is sent, and dead on arrival.
#' * `future.globals.resolve`: `TRUE` sends the values of futures that are among
#'   the globals. Default: `FALSE`.
#' * `future.rng.onMisuse` (or `future.rng.misUse`),
#'   `future.connections.onMisuse`, `future.devices.onMisuse`,
#'   `future.defaultDevice.onMisuse`, `future.globalenv.onMisuse`: what follows
#'   when a future draws random numbers without a seed, leaves connections or
#'   graphics devices open, draws on the default device, or leaves variables in
#'   the workspace: `"ignore"`, `"warning"` or `"error"`, see [FutureCondition].
#'   Default: `"warning"`, for the workspace `"ignore"`.
#' * `future.state.onInvalid`: what follows when somebody sets the field `state`
#'   of a future to something else than a state: `"warning"` (default),
#'   `"error"` or `"ignore"`.
#' * `future.relay.immediate`: character: classes of conditions that are relayed
#'   while a future runs; `FALSE`: none. Default: `"immediateCondition"`.
#' * `future.journal`: `TRUE` notes when what happened to each future. Default:
#'   `FALSE`.
#' * `future.cmdargs`: character: where `-p 4` is looked for, see [plan()].
#'   Default: [commandArgs()].
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
