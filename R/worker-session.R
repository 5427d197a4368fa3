# What a session's worker runs, beside R/worker-main.R: these functions travel
# in the first packet, so they use base R, each other, and what
# inst/worker/profile.R has put beside them (emit(), redirect_output()).

session_functions <- function() {
  worker_functions(
    prepare = session_prepare,
    evaluate = session_evaluate,
    begin_span = session_begin_span,
    send_message = session_send_message,
    note_error = session_note_error,
    note_exit = session_note_exit,
    trace_frames = session_trace_frames,
    trace_calls = session_trace_calls,
    dump_frames = session_dump_frames,
    shorten_call = session_shorten_call,
    shorten_value = session_shorten_value,
    operate = session_operate
  )
}

session_prepare <- function(setup) {
  home <- environment(sys.function())
  home$suspends_interrupts <- TRUE
  home$error_mode <- setup$error
  home$begin_span()
  home$last_error <- NULL
  home$runs_once <- isTRUE(setup$runs_once)
  # Nobody reads before the result.
  if (home$runs_once) home$send_message <- function(condition) NULL
  options(error = function() invokeRestart("abort"))
  if (!is.null(setup$load_hook)) {
    callr_startup_hook <- function() NULL
    environment(callr_startup_hook) <- .GlobalEnv
    body(callr_startup_hook) <- setup$load_hook
    # An error is printed by R as that of any script, and ends the process.
    tryCatch(callr_startup_hook(), error = function(e) {
      call <- conditionCall(e)
      where <- "Error: "
      if (!is.null(call)) {
        where <- paste0("Error in ", deparse(call, nlines = 1L)[[1L]], " : ")
      }
      cat(where, sub("\n$", "", conditionMessage(e)), "\n",
        file = stderr(), sep = ""
      )
      quit("no", 1L, FALSE)
    })
  }
  redirect_output(setup$output[[1L]], setup$output[[2L]])
  list(pid = Sys.getpid(), temporary_directory = tempdir())
}

# A span of this process, below the one that its environment tells of: spans of
# what runs here come below it. It ends with the process.
session_begin_span <- function() {
  home <- environment(sys.function())
  context <- Sys.getenv(c("TRACEPARENT", "TRACESTATE", "BAGGAGE"))
  exporters <- Sys.getenv(c("OTEL_R_TRACES_EXPORTER", "OTEL_TRACES_EXPORTER"))
  is_asked <- nzchar(context[[1L]]) && any(nzchar(exporters))
  if (!is_asked || !requireNamespace("otel", quietly = TRUE)) return()
  names(context) <- tolower(names(context))
  home$span <- otel::start_span(
    "callr subprocess",
    options = list(parent = otel::extract_http_context(as.list(context))),
    tracer = otel::get_tracer("org.r-lib.callr")
  )
  home$span_scope <- home$span$activate(NULL)
  end <- function(home) home$span$end()
  environment(end) <- baseenv()
  reg.finalizer(home, end, onexit = TRUE)
}

# The payload is list(function, arguments, keep the frames of an error?), or
# with a fourth element the name of an operation on this session. The outcome
# is list(value, NULL or the failure, warnings).
session_evaluate <- function(payload) {
  if (length(payload) > 3L) return(operate(payload[[4L]], payload[[2L]]))
  warnings <- NULL
  failure <- NULL
  # Leaves from a calling handler: half the price of an exiting one for each.
  delayedAssign("leave", return(list(NULL, failure, warnings)))
  value <- tryCatch(
    withCallingHandlers(
      allowInterrupts(
        if (length(payload[[2L]]) == 0L) {
          do.call(payload[[1L]], list(), envir = .GlobalEnv)
        } else {
          do.call(
            payload[[1L]], payload[[2L]],
            quote = TRUE, envir = .GlobalEnv
          )
        }
      ),
      callr_message = send_message,
      warning = function(w) {
        if (length(warnings) < 50L) warnings <<- c(warnings, list(w))
      },
      error = function(e) failure <<- note_error(e, payload[[3L]]),
      interrupt = function(e) {
        failure <<- list(kind = "interrupt", condition = e)
        leave
      }
    ),
    error = function(e) {
      # No calling handler runs when R's stack is used up.
      failure <<- note_exit(e, failure)
      leave
    }
  )
  list(value, NULL, warnings)
}

session_send_message <- function(condition) {
  if (is.null(condition$code)) condition$code <- "301"
  emit(condition)
  home <- environment(sys.function())
  if (!is.null(home$span)) {
    home$span$add_event("callr message", list(status_code = condition$code))
  }
  restart <- if (inherits(condition, "cli_message")) {
    "cli_message_handled"
  } else if (inherits(condition, "message")) {
    "muffleMessage"
  }
  found <- if (!is.null(restart)) findRestart(restart, condition)
  if (!is.null(found)) invokeRestart(found)
}

# In a calling handler: the frames are still there.
session_note_error <- function(condition, keeps_frames) {
  frames <- trace_frames()
  failure <- list(
    kind = "error", condition = condition,
    trace = trace_calls(frames)
  )
  home <- environment(sys.function())
  if (!is.null(home$span)) home$span$record_exception(condition)
  dump <- NULL
  if (keeps_frames || error_mode != "error") {
    dump <- dump_frames(frames, condition)
  }
  home$last_error <- list(calls = rev(failure$trace$call), dump = dump)
  if (error_mode != "error") failure$stack <- dump
  failure
}

session_note_exit <- function(condition, failure) {
  if (is.null(failure) || !identical(failure$condition, condition)) {
    failure <- list(kind = "error", condition = condition, trace = NULL)
  }
  if (!is.null(condition$call)) {
    failure$condition$call <- shorten_call(condition$call)
  }
  failure
}

# The frames from the user's function on, without those of the handlers. Below
# are step(), evaluate(), tryCatch() and so on, up to the first do.call() inside
# allowInterrupts(). Above are the handler of evaluate() and what calls it:
# .handleSimpleError() and h() for errors of stop(), nothing for others.
session_trace_frames <- function() {
  calls <- sys.calls()
  home <- environment(sys.function())
  count <- sys.nframe() - 1L
  functions <- lapply(seq_len(count), sys.function)
  is_same <- function(one) {
    vapply(functions, identical, NA, one)
  }
  evaluate_at <- which(is_same(home$evaluate))[1L]
  allow_at <- which(is_same(base::allowInterrupts))
  allow_at <- allow_at[allow_at > evaluate_at][1L]
  first <- which(is_same(base::do.call))
  first <- first[first > allow_at][1L]
  belongs_to_us <- vapply(functions, function(one) {
    place <- environment(one)
    identical(place, home) || identical(place, sys.frame(evaluate_at))
  }, NA)
  is_caller <- is_same(base::.handleSimpleError) |
    vapply(calls, function(one) identical(one[[1L]], quote(h)), NA)[
      seq_len(count)
    ]
  last <- count
  while (last > first && (belongs_to_us[last] || is_caller[last])) {
    last <- last - 1L
  }
  kept <- seq_len(count)
  kept <- kept[kept > first & kept <= last]
  list(
    number = kept, calls = calls[kept],
    parents = sys.parents()[kept],
    functions = functions[kept],
    environments = lapply(kept, sys.frame)
  )
}

# One row a call, as errors of the r-lib packages have it. The function that
# was sent is left out: its caller knows it.
session_trace_calls <- function(frames) {
  kept <- seq_along(frames$number)[-1L]
  environments <- lapply(frames$functions[kept], function(one) {
    if (is.primitive(one)) baseenv() else topenv(environment(one))
  })
  namespaces <- vapply(environments, function(one) {
    if (isNamespace(one) || identical(one, baseenv())) {
      environmentName(one)
    } else {
      NA_character_
    }
  }, "")
  trace <- list(
    parent = frames$parents[kept],
    visible = rep(TRUE, length(kept)),
    namespace = namespaces,
    scope = ifelse(is.na(namespaces), "global", "::"),
    srcref = rep(list(NULL), length(kept)),
    procsrcref = rep(list(NULL), length(kept)),
    pid = rep(Sys.getpid(), length(kept)),
    call = lapply(frames$calls[kept], shorten_call)
  )
  attr(trace, "row.names") <- frames$number[kept]
  class(trace) <- c("rlib_trace_3_0", "rlib_trace", "tbl", "data.frame")
  trace
}

session_dump_frames <- function(frames, condition) {
  dump <- frames$environments
  names(dump) <- vapply(frames$calls, function(one) {
    paste(deparse(shorten_call(one), nlines = 10L), collapse = "\n")
  }, "")
  attr(dump, "error.message") <- conditionMessage(condition)
  class(dump) <- "dump.frames"
  dump
}

# Calls made by do.call() hold their arguments, however large. What is shown to
# people keeps the shape of the call and says what stood there.
session_shorten_call <- function(call, depth = 3L) {
  if (!is.call(call)) return(call)
  # A function as code: its formals are no argument, its source is no news.
  if (identical(call[[1L]], quote(`function`))) {
    if (length(call) > 3L) call[4L] <- list(NULL)
    return(call)
  }
  for (i in seq_along(call)) {
    part <- call[[i]]
    if (identical(part, quote(expr = ))) next
    if (is.function(part) && i == 1L && !is.primitive(part)) {
      environment(part) <- .GlobalEnv
      call[[i]] <- part
    } else if (is.call(part)) {
      is_deep <- depth == 0L
      call[[i]] <- if (is_deep) quote(...) else shorten_call(part, depth - 1L)
    } else if (!is.null(part) && !is.symbol(part)) {
      call[[i]] <- shorten_value(part)
    }
  }
  call
}

session_shorten_value <- function(value) {
  is_short <- is.atomic(value) && length(value) <= 5L && !is.object(value)
  if (is_short && is.character(value)) is_short <- all(nchar(value) <= 500L)
  if (is_short) return(value)
  if (is.function(value)) return(as.name("<function>"))
  as.name(sprintf("<%s[%.0f]>", class(value)[[1L]], length(value)))
}

# What $traceback(), $debug() and $attach() ask.
session_operate <- function(operation, arguments) {
  value <- switch(operation,
    nothing = NULL,
    traceback = last_error$calls,
    frames = if (!is.null(last_error$dump)) names(last_error$dump),
    inspect = {
      # The first is that of the function that was run, NA for who asks.
      number <- arguments[[1L]]
      frame <- if (is.na(number)) {
        last_error$dump[[1L]]
      } else if (number == 0L) {
        .GlobalEnv
      } else {
        last_error$dump[[number + 1L]]
      }
      text <- tryCatch(
        utils::capture.output({
          parsed <- parse(text = arguments[[2L]])
          for (one in parsed) {
            shown <- withVisible(eval(one, frame))
            if (shown$visible) print(shown$value)
          }
        }),
        error = function(e) {
          call <- conditionCall(e)
          c(
            if (is.null(call)) "Error:" else
              paste0("Error in ", deparse(call, nlines = 1L)[[1L]], " :"),
            paste0("  ", conditionMessage(e))
          )
        }
      )
      text
    }
  )
  list(value, NULL, NULL)
}
