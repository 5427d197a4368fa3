#' List the functions with special support for pauses
#'
#' In elsewhere, a pause is allowed in the arguments of any function. The
#' evaluator runs the functions listed here itself, so a pause does not change
#' what they do. All other functions are called only after all pauses in their
#' arguments are over (arguments without a pause stay lazy).
#'
#' @return A list of symbols.
#' @examples
#' pausables()
#' @export
pausables <- function() lapply(.Call(ew_eval_words, "pausable"), as.name)
