# What a worker of the future package's plan runs. Base R only: these functions
# are shipped to workers.

framework_functions <- function() {
  functions <- evaluator_functions()
  own <- worker_functions(
    evaluate = evaluate_for_framework,
    evaluate_task = evaluate,
    follow_plan = follow_plan
  )
  c(functions[setdiff(names(functions), names(own))], own)
}

evaluate_for_framework <- function(payload) {
  strategies <- payload$strategies
  failure <- if (!is.null(strategies) || isNamespaceLoaded("future")) {
    tryCatch(follow_plan(strategies), error = conditionMessage)
  }
  if (!is.null(failure)) {
    return(list(package = list(name = "future", message = failure)))
  }
  evaluate_task(payload)
}

# What a worker knows by this name is evaluate() itself.
evaluate_task <- function(payload) evaluate(payload)

# A future's own futures are evaluated as its owner's plan says for that level;
# what an earlier future's code has planned is undone. A plan that is already so
# is left alone, with its workers.
follow_plan <- function(strategies) {
  if (is.null(strategies)) {
    stack <- future::plan("list")
    if (length(stack) == 1L && inherits(stack[[1L]], "sequential")) return(NULL)
    future::plan("sequential")
  } else {
    future::plan(
      strategies, substitute = FALSE, .skip = TRUE, .cleanup = FALSE,
      .init = FALSE
    )
  }
  NULL
}
