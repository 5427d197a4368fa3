# What a node of make_cluster() runs. Base R only: these functions are shipped.

cluster_functions <- function() {
  worker_functions(prepare = prepare_node, evaluate = evaluate_message)
}

prepare_node <- function(setup) {
  if (length(setup$library_paths)) .libPaths(setup$library_paths)
  if (length(setup$working_directory)) setwd(setup$working_directory)
  for (step in setup$steps) {
    for (namespace in step$namespaces) loadNamespace(namespace)
    for (package in step$packages) library(package, character.only = TRUE)
    list2env(as.list(step$globals), envir = globalenv())
    eval(step$expr, globalenv())
    rm(list = intersect(".setup", names(globalenv())), envir = globalenv())
  }
  NULL
}

# `message` is what parallel sends: list(fun, args, tag). The answer is what it
# expects: an error is its text, with a class.
evaluate_message <- function(message) {
  success <- TRUE
  before <- proc.time()
  value <- tryCatch(
    do.call(message$fun, message$args, quote = TRUE),
    error = function(e) {
      success <<- FALSE
      structure(conditionMessage(e), class = c("snow-try-error", "try-error"))
    }
  )
  list(
    type = "VALUE", value = value, success = success,
    time = proc.time() - before, tag = message$tag
  )
}
