# More statements for the random programs (helper-programs.R). What stands in
# the arguments of closures is pure.

# What is assigned to, with pauses in its indices.
random_target <- function(depth) {
  value <- random_pure(depth - 1L)
  at <- call("pause", pick(1, 2))
  pick(
    bquote(x[.(at)] <- .(value)),
    bquote(names(y)[.(at)] <- "renamed"),
    bquote(y[[pause("b")]][.(at)] <- .(value)),
    bquote(attr(x, pause("mark")) <- .(value)),
    bquote(second(y$b) <- .(value)),
    bquote(second(x) <- pause(.(value))),
    bquote(outer[.(at)] <<- .(value)),
    bquote("x" <- pause(.(value))),
    call("=", quote(y$d), bquote(list(.(value), .(value)))),
    bquote(y$d[["k"]] <- .(value))
  )
}

# Bindings that are more than a value, and functions made on the way.
random_binding <- function(depth) {
  value <- random_pure(depth - 1L)
  pick(
    bquote({
      makeActiveBinding("act", active_counter(), environment())
      x <- numeric_or(act + act)
      act <- pause(.(value))
      rm("act")
    }),
    quote({
      delayedAssign("lazy", {
        cat("forced\n")
        4
      })
      x <- pause(3) + lazy
      rm("lazy")
    }),
    quote({
      locked <- 1
      lockBinding("locked", environment())
      try(locked <- pause(2), silent = TRUE)
      rm("locked")
    }),
    bquote({
      assign("x", pause(.(value)))
      exists("x")
    }),
    quote({
      f <- function(n) if (n <= 0) x else 1 + Recall(n - 1)
      x <- numeric_or(f(pause(3)))
      rm("f")
    }),
    quote(x <- numeric_or(sapply(pause(1:3), function(i) i + length(y)))),
    bquote(x <- numeric_or(with(list(q = 2), q + pause(.(value)))))
  )
}

# Leaving by return, break and next through finally, handlers and scopes; what
# lies on the way may leave, too.
random_leaving <- function(depth, in_loop) {
  jump <- if (in_loop) {
    pick(quote(break), quote(next), quote(return(x)))
  } else {
    call("return", random_pure(0L))
  }
  lazy <- if (in_loop) jump else quote(return(x))
  maybe <- call("if", random_condition(depth - 1L), jump)
  test <- random_condition(depth - 1L)
  body <- random_block(depth - 1L, in_loop)
  last <- random_pure(0L)
  pick(
    bquote(tryCatch(
      {
        .(body)
        .(maybe)
      },
      finally = cat("finally\n")
    )),
    bquote(tryCatch(
      {
        pause(1)
        .(maybe)
      },
      finally = {
        cat("finally\n")
        pause(2)
      }
    )),
    bquote(tryCatch(
      {
        pause(1)
        stop("gone")
      },
      error = function(e) NULL,
      finally = {
        cat("finally\n")
        .(maybe)
      }
    )),
    bquote(tryCatch(
      tryCatch(
        {
          .(body)
          .(maybe)
        },
        finally = cat("inner\n")
      ),
      error = function(e) cat("error", conditionMessage(e), "\n"),
      finally = {
        pause(3)
        cat("outer\n")
      }
    )),
    quote(x <- numeric_or(local({
      q <- x
      if (q > 3) return(7)
      pause(2)
    }))),
    bquote(if (.(test)) lazy_second(.(lazy), 1)),
    bquote(withCallingHandlers(
      {
        pause(1)
        .(maybe)
      },
      warning = function(w) NULL
    )),
    bquote(suppressWarnings({
      warning("quiet")
      .(maybe)
      pause(1)
    })),
    bquote(if (isTRUE(x > 45)) on.exit(return(.(last))))
  )
}

random_caught <- function(depth, in_loop) {
  body <- random_block(depth - 1L, in_loop)
  pick(
    bquote(tryCatch(
      {
        .(body)
        warner(1)
        pause(1)
      },
      warning = function(w) cat("warning", call_of(w), "\n")
    )),
    bquote(withCallingHandlers(
      {
        pause(1)
        warner(2)
        .(body)
      },
      warning = function(w) {
        cat("saw", call_of(w), "\n")
        tryInvokeRestart("muffleWarning")
      }
    )),
    bquote(tryCatch(
      withCallingHandlers(
        {
          .(body)
          pause(2)
          stop("deep")
        },
        error = function(e) cat("on its way\n")
      ),
      error = function(e) {
        pause(1)
        cat("there\n")
      }
    )),
    quote(tryCatch(
      {
        message("told")
        pause(1)
      },
      message = function(m) cat("message\n"),
      finally = cat("end\n")
    )),
    quote(try(
      {
        pause(1)
        stop_special()
      },
      silent = TRUE
    )),
    quote(tryCatch(
      tryCatch(
        {
          pause(1)
          stop("first")
        },
        error = function(e) stop("second")
      ),
      error = function(e) cat(conditionMessage(e), "\n")
    ))
  )
}

# Calls of functions that look at how they were called.
random_called <- function(depth) {
  value <- random_pure(depth - 1L)
  pick(
    bquote(chosen(pause("bb"), .(value))),
    bquote(chosen(x = pause(.(value)))),
    quote(chosen()),
    bquote(dotted(.(value), pause(2), 3)),
    quote(dotted()),
    quote(area(pause(structure(3, class = c("square", "shape"))), pause(2))),
    bquote(do.call("sum", list(pause(1), .(value)))),
    bquote(defaulted(pause(.(value)))),
    quote(defaulted(1, b = pause(2))),
    bquote((function(a, b) b)(.(value), pause(5))),
    quote(vapply(pause(1:2), function(i) i * 2, 0)),
    bquote(Reduce(`+`, list(.(value), pause(2)), accumulate = TRUE)),
    bquote(list(.(value), 2)[[pause(2)]]),
    quote(pause(list(k = 5))$k),
    bquote(-.(value)),
    quote(!pause(TRUE)),
    bquote(ifelse(pause(TRUE), .(value), 2)),
    quote(stopifnot(pause(TRUE))),
    bquote(counted(pause(1), , .(value)))
  )
}
