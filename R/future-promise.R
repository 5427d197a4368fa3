# A future as a promise: promises::then(), async code and Shiny await it. The
# engine calls when it settles; nothing polls.

#' @exportS3Method promises::as.promise
as.promise.elsewhere_future <- function(x) {
  new_promise(function(resolve, reject) {
    settle <- function() {
      if (!is.null(.subset2(x, "task")) && starts_again(x)) return(begin())
      got <- tryCatch(
        {
          resolve(value(x))
          NULL
        },
        error = function(e) e
      )
      if (!is.null(got)) reject(got)
    }
    begin <- function() {
      # One that was not started queues: a promise never blocks.
      if (.subset2(x, "state") == "created") launch_lazy(x, wait = FALSE)
      task <- .subset2(x, "task")
      if (is.null(task)) settle() else task_notify(task, settle)
    }
    begin()
  }, on_cancel = function() cancel(x))
}
