# Where code runs: the event loop, and the promise domain by which Shiny, and
# others, bring back what belongs to a callback (a user's session, a reactive
# context, a graphics device). The evaluator calls these (eval/context.h).

# promises does not export its current domain; this function is replaced by its
# own when the package is loaded.
current_domain <- function() NULL

bind_promises <- function() {
  space <- asNamespace("promises")
  if (tells_domain(space)) current_domain <<- space$current_promise_domain
}

# R/package-load-checks.R says so if not.
tells_domain <- function(space = asNamespace("promises")) {
  is.function(get0("current_promise_domain", space))
}

when_loaded <- function(package, action) {
  if (isNamespaceLoaded(package)) action()
  setHook(packageEvent(package, "onLoad"), function(...) action())
}

without_domain <- function(expr) {
  if (is.null(current_domain())) return(expr)
  promises::with_promise_domain(NULL, expr, replace = TRUE)
}

# Runs code without any context: for an event loop that is run inside somebody's
# context, and for tasks that were created outside of any.
outside_context <- function(expr) {
  if (is.null(shiny_session())) return(without_domain(expr))
  promises::with_promise_domain(
    NULL, shiny::withReactiveDomain(NULL, expr), replace = TRUE
  )
}

run_outside_context <- function(coroutine) {
  outside_context(run_guarded_task(coroutine))
}

# A task pauses: what its next stretch runs in.
capture_context <- function(domain, coroutine) {
  begun <- FALSE
  run <- function() {
    begun <<- TRUE
    run_guarded_task(coroutine)
  }
  # A domain that fails here fails the stretch that it was to wrap.
  tryCatch(
    list(
      domain = domain,
      fulfilled = domain$wrapOnFulfilled(function(value, .visible) run()),
      rejected = domain$wrapOnRejected(function(reason) run()),
      has_begun = function() begun
    ),
    error = function(error) {
      fail <- function(...) stop(error)
      list(
        domain = NULL, fulfilled = fail, rejected = fail,
        has_begun = function() FALSE
      )
    }
  )
}

run_in_context <- function(context, coroutine, is_rejected, holder) {
  error <- tryCatch(
    {
      with_domain(context$domain, if (is_rejected) {
        context$rejected(holder[[1L]])
      } else {
        context$fulfilled(holder[[1L]], TRUE)
      })
      NULL
    },
    error = identity
  )
  if (!is.null(error) && !context$has_begun()) {
    .Call(ew_async_raise, coroutine, error)
  }
}

# As promises does it for the callbacks of then().
with_domain <- function(domain, expr) {
  reenter <- get0("reenter_promise_domain", asNamespace("promises"))
  if (is.null(reenter)) reenter <- promises::with_promise_domain
  reenter(domain, expr, replace = TRUE)
}

# `callback`, to be called later, as if it were called here.
in_this_context <- function(callback) {
  domain <- current_domain()
  if (is.null(domain)) return(callback)
  wrapped <- domain$wrapOnFulfilled(callback)
  function(...) with_domain(domain, wrapped(...))
}
