# Evaluates each case with what was found, in a process that has nothing else.
local({
  arguments <- commandArgs(TRUE)
  .libPaths(strsplit(arguments[[3L]], ":")[[1L]])
  cases <- readRDS(arguments[[1L]])
  values <- lapply(cases, function(each) {
    rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())
    found <- unserialize(each$found)
    for (package in found$namespaces) loadNamespace(package)
    for (package in found$packages) library(package, character.only = TRUE)
    list2env(found$globals, globalenv())
    list2env(found$shadowed, globalenv())
    if (any(grepl("^\\.__[CT]__", names(found$globals)))) {
      methods::cacheMetaData(globalenv(), TRUE)
    }
    tryCatch(
      eval(each$code, new.env(parent = globalenv())),
      error = function(error) conditionMessage(error)
    )
  })
  saveRDS(values, arguments[[2L]])
})
