# R puts calls of its own around code in tryCatch() and similar functions, and
# conditions raised there show them: `doTryCatch(return(expr), name, parentenv,
# handler)`. A body that pauses has blocks of the machine instead (machine.h),
# and shows the same calls.

shown_try_catch <- quote(doTryCatch(return(expr), name, parentenv, handler))
shown_finally <- quote(tryCatchList(expr, classes, parentenv, handlers))
shown_handler <- quote(value[[3L]](cond))
shown_restart <- quote(doWithOneRestart(return(expr), restart))

# The one call that stands in the body of `f`.
only_call <- function(f) {
  code <- body(f)
  if (identical(code[[1L]], quote(`{`))) code <- code[[length(code)]]
  code
}
shown_suppress_warnings <- only_call(suppressWarnings)
shown_suppress_messages <- only_call(suppressMessages)

# Where nothing of that kind is around, and the body is not that of a function;
# by body_kind (R/async-coroutine.R).
shown_bodies <- list(
  quote(gen()), quote(async()), quote(stream()), quote(run())
)
