# How the evaluator takes what an expression signals and prints. Base R only:
# these functions are shipped to workers.

# Evaluates and takes what is signalled. A list: `value` and `visible`, or
# `error`, the condition that ended it, or `interrupted`; `conditions`, those
# that were kept, in the order in which they were signalled: warnings and
# messages stop here and are signalled again where the value is asked for. The
# variable names are what a call at the expression's top level would show, which
# is why that call is taken out of conditions and of calls.
#
# The calling handler sees an error first and keeps its calls; tryCatch() ends
# the expression, because it alone still works when R's stack has run out. An
# interrupt is rare and needs no tryCatch() of its own: the handler leaves by
# forcing `leave`, which returns from here.
evaluate_caught <- function(.future_expression, .future_environment, payload,
                            leave = return(answer)) {
  classes <- payload$conditions
  if (is.null(classes)) classes <- "condition"
  keeps <- length(classes) && !identical(classes, FALSE)
  immediate <- payload$immediate
  if (is.null(immediate)) immediate <- "immediateCondition"
  excluded <- attr(classes, "exclude")
  restarts <- attr(classes, "muffleInclude")
  answer <- NULL
  calls <- NULL
  kept <- list()
  own_call <- quote(eval(.future_expression, .future_environment))
  handler <- function(condition) {
    if (inherits(condition, "error")) {
      calls <<- future_calls(sys.calls(), own_call)
      return()
    }
    if (inherits(condition, "interrupt")) {
      # In this process an interrupt comes from the user, who wants to stop more
  # than this future.
      if (!is_worker()) return()
      answer <<- list(visible = FALSE, interrupted = TRUE, conditions = kept)
      leave
    }
    if (identical(classes, FALSE)) return()
    if (inherits(condition, "warning") && getOption("warn") >= 2L) return()
    if (length(immediate) && inherits(condition, immediate)) {
      emit(condition)
      if (is_worker()) {
        # The owner keeps it when it comes.
        muffle(condition, restarts)
      } else if (keeps) {
        kept[[length(kept) + 1L]] <<- list(
          condition = condition, signaled = 1L, immediate = TRUE
        )
      }
      return()
    }
    wanted <- keeps && inherits(condition, classes) &&
      !(length(excluded) && inherits(condition, excluded))
    if (wanted) {
      kept[[length(kept) + 1L]] <<- list(
        condition = without_call(condition, own_call), signaled = 0L
      )
    }
    if (!isTRUE(payload$split)) {
      muffle(condition, restarts)
      # In this process, the handlers of whoever makes the future come next.
      if (!is_worker()) end_signal()
    }
  }
  failed <- function(condition) {
    kept[[length(kept) + 1L]] <<- list(
      condition = without_call(condition, own_call), signaled = 0L,
      calls = calls
    )
    list(visible = TRUE, error = condition)
  }
  answer <- tryCatch(
    withCallingHandlers(
      if (is_worker()) {
        # There, interrupts are kept away from everything but this.
        allowInterrupts(
          withVisible(eval(.future_expression, .future_environment))
        )
      } else {
        withVisible(eval(.future_expression, .future_environment))
      },
      condition = handler
    ),
    error = failed
  )
  if (length(kept)) answer$conditions <- kept
  answer
}

without_call <- function(condition, own_call) {
  if (is.list(condition) && identical(condition$call, own_call)) {
    condition["call"] <- list(NULL)
  }
  condition
}

# A condition that nothing muffles goes from handler to handler until
# signalCondition() returns. This makes it return now.
end_signal <- function() {
  for (n in rev(seq_len(sys.nframe()))) {
    if (!identical(sys.function(n), signalCondition)) next
    # A promise, unlike eval(), returns from the frame it is evaluated in.
    end <- NULL
    delayedAssign("end", return(NULL), eval.env = sys.frame(n))
    end
  }
}

# `include` is a regular expression that names the restarts to use, or NULL.
muffle <- function(condition, include = NULL) {
  for (restart in computeRestarts(condition)) {
    name <- restart$name
    is_one <- is.character(name) && startsWith(name, "muffle") &&
      (is.null(include) || grepl(include, name))
    if (is_one) invokeRestart(restart)
  }
}

# The calls of the expression: what lies between the evaluator and the handler.
# Without references to their source, which bring a whole file along, and all
# that is around the function that parsed it.
future_calls <- function(calls, own_call, calls_max = 200L) {
  own <- vapply(calls, identical, NA, own_call)
  if (any(own)) calls <- calls[-seq_len(max(which(own)))]
  handling <- vapply(calls, function(call) {
    is.call(call) && identical(call[[1L]], quote(.handleSimpleError))
  }, NA)
  end <- if (any(handling)) min(which(handling)) - 1L else length(calls) - 1L
  calls <- calls[seq_len(max(end, 0L))]
  if (length(calls) > calls_max) {
    half <- calls_max %/% 2L
    calls <- c(calls[seq_len(half)], calls[length(calls) - (half - 1L):0L])
  }
  lapply(calls, function(call) {
    attr(call, "srcref") <- NULL
    call
  })
}

# `stdout` is TRUE to keep what is printed, FALSE to drop it, NA to leave it.
# What would reach the console goes into a connection of ours, which is cheaper
# than one of R's; what goes into somebody's sink, or is caught already, needs
# one of those.
capture_start <- function(stdout, split = FALSE, live = FALSE) {
  # In this process what is printed is there at once.
  if (is.na(stdout) || live && !is_worker()) return(NULL)
  # Most of the time there is no sink, which is cheaper to see than to count.
  depth <- if (unclass(stdout())[1L] == 1L) 0L else sink.number()
  if (stdout && !split && depth == 0L && capture_begin(live)) {
    return(list(connection = NULL, depth = depth, keep = TRUE))
  }
  connection <- if (stdout) {
    rawConnection(raw(0L), open = "w")
  } else {
    file(nullfile(), open = "w")
  }
  sink(connection, type = "output", split = split)
  list(connection = connection, depth = depth, keep = stdout)
}

# Also takes away sinks that the expression left behind.
capture_stop <- function(capture) {
  if (is.null(capture)) return(NULL)
  if (is.null(capture$connection)) return(capture_end())
  is_plain <- capture$depth == 0L && unclass(stdout())[1L] == 1L
  extra <- if (is_plain) 0L else sink.number() - capture$depth
  while (extra > 0L) {
    sink(type = "output")
    extra <- extra - 1L
  }
  text <- ""
  if (capture$keep) {
    bytes <- tryCatch(
      rawConnectionValue(capture$connection),
      error = function(e) raw(0L)
    )
    if (length(bytes)) text <- rawToChar(bytes[bytes != 0L])
  }
  tryCatch(close(capture$connection), error = function(e) NULL)
  if (capture$keep) text
}
