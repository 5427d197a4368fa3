# Writes, for each case, its value here and what was found.
local({
  arguments <- commandArgs(TRUE)
  .libPaths(strsplit(arguments[[3L]], ":")[[1L]])
  here <- new.env()
  sys.source(arguments[[1L]], here)
  answers <- lapply(here$cases, function(each) {
    rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())
    eval(each$define, globalenv())
    env <- globalenv()
    code <- each$expr
    # As bytes, since the evaluation may change what is found.
    found <- serialize(elsewhere:::find_globals(code, env), NULL)
    list(
      code = code, found = found,
      value = eval(code, new.env(parent = env))
    )
  })
  saveRDS(answers, arguments[[2L]])
})
