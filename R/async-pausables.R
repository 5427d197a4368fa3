#' List the functions whose arguments may pause
#'
#' In elsewhere a pause may stand in the arguments of any function. The
#' functions listed here are run by the evaluator itself, so that they go on
#' across a pause as if there had been none; all others are called once the
#' pauses in their arguments are over (arguments without a pause stay lazy).
#'
#' @return A list of symbols.
#' @examples
#' pausables()
#' @export
pausables <- function() lapply(.Call(ew_eval_words, "pausable"), as.name)
