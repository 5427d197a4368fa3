#' @details
#' `vignette("elsewhere")` is the place to start.
#' @useDynLib elsewhere, .registration = TRUE
#' @keywords internal
"_PACKAGE"

.onLoad <- function(libname, pkgname) {
  .Call(ew_border_init, raise)
}
