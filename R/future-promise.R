# A future as a promise: promises::then(), async code and Shiny await it. The
# engine calls when it settles; nothing polls.

#' @exportS3Method promises::as.promise
as.promise.elsewhere_future <- function(x) {
  new_promise(function(resolve, reject) {
    settle <- function() {
      got <- tryCatch(
        {
          resolve(value(x))
          NULL
        },
        error = function(e) e
      )
      if (!is.null(got)) reject(got)
    }
    # One that was not started queues: a promise never blocks.
    if (.subset2(x, "state") == "created") launch_lazy(x, wait = FALSE)
    task <- .subset2(x, "task")
    if (is.null(task)) settle() else task_notify(task, settle)
  }, on_cancel = function() cancel(x))
}
