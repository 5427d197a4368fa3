# A plan for one test; the former one is back, and its workers gone, after it.
local_plan <- function(..., env = parent.frame()) {
  former <- plan(...)
  withr::defer(plan(former), envir = env)
}

# The plans under which the same must come out.
every_plan <- function(code) {
  code <- substitute(code)
  env <- parent.frame()
  for (name in c("sequential", "multisession")) {
    former <- if (name == "sequential") {
      plan(sequential)
    } else {
      plan(multisession, workers = 2)
    }
    tryCatch(
      eval(code, env),
      finally = plan(former)
    )
  }
}

error_of <- function(code) tryCatch({ code; NULL }, error = identity)
