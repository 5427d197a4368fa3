# Still more statements for the random programs (helper-programs.R): functions
# that look at their arguments, alternatives, jumps in odd places, restarts,
# chains of replacements, dispatch.

random_more <- function(depth, in_loop) {
  pick(
    random_missing(depth), random_alternative(depth, in_loop),
    random_odd_jump(depth, in_loop), random_rethrow(depth, in_loop),
    random_told(depth), random_chain(depth), random_exits(depth),
    random_scopes(depth), random_applied(depth), random_dispatch(depth),
    random_mistake(depth)
  )
}

# Prints the head of the call that a condition shows; a body's own has no name
# in common.
told <- function(condition) {
  call <- conditionCall(condition)
  head <- if (is.call(call)) deparse(call[[1L]])[[1L]] else "none"
  if (head %in% c("async", "gen", "code", "none")) head <- "the body"
  cat(head, conditionMessage(condition), "\n")
}

random_missing <- function(depth) {
  value <- random_pure(depth - 1L)
  pick(
    bquote(x <- numeric_or(optional(pause(.(value))))),
    bquote(x <- numeric_or(optional(pause(1), .(value)))),
    bquote(x <- numeric_or(optional(, pause(.(value))))),
    bquote(x <- numeric_or(passes_on(pause(.(value))))),
    quote({
      own <- function(a, b = a * 2, ...) {
        if (missing(a)) a <- x
        numeric_or(a) + numeric_or(b) + ...length()
      }
      x <- own() + own(pause(2)) + own(b = pause(1)) + own(1, 2, pause(3), x)
      rm("own")
    }),
    bquote({
      holds <- function() x
      x <- pause(.(value))
      cat(numeric_or(holds()), "\n")
      rm("holds")
    }),
    quote({
      counter <- local({
        n <- 0
        function(by = 1) n <<- n + by
      })
      counter()
      counter(pause(2))
      cat(counter(pause(1)), "\n")
      rm("counter")
    }),
    quote({
      facts <- function(n) if (n <= 1) 1 else n * Recall(n - 1)
      x <- facts(pause(3)) + facts(2)
      rm("facts")
    })
  )
}

random_alternative <- function(depth, in_loop) {
  value <- random_pure(depth - 1L)
  name <- pause_of(call("sample_name", random_pure(depth - 1L)))
  jump <- if (in_loop) pick(quote(break), quote(next)) else quote(NULL)
  pick(
    bquote(switch(.(name), a = , b = cat("a or b\n"), c = .(jump), cat("d\n"))),
    bquote(switch(.(name),
      a = {
        pause(1)
        cat("a\n")
      },
      b = ,
      d = .(random_block(depth - 1L, in_loop))
    )),
    bquote(x <- numeric_or(switch(.(name), a = 1, 2, b = , c = pause(3)))),
    bquote(x <- numeric_or(switch(pause(2), 1, .(value), 3))),
    bquote(x <- numeric_or(switch(pause(7), 1, .(value)))),
    bquote(x <- sum(
      1, numeric_or(switch(.(name), a = .(value), 4)), pause(2)
    )),
    bquote(switch(.(name), a = , b = switch(pause("q"), q = cat("q\n")), 5)),
    bquote(cat(is.null(switch(.(name), a = 1)), "\n"))
  )
}

random_odd_jump <- function(depth, in_loop) {
  body <- random_block(depth - 1L, TRUE)
  test <- random_condition(depth - 1L)
  pick(
    bquote({
      odd <- 0
      repeat {
        odd <- odd + 1
        if (odd > 3) break
        if (.(test)) next else pause(1)
        .(body)
      }
    }),
    bquote({
      odd <- 0
      while ({
        odd <- odd + 1
        if (pause(odd) > 3) break
        TRUE
      }) .(body)
    }),
    bquote(for (i in 1:3) isTRUE(pause(x > 5)) && break),
    bquote(for (i in 1:3) {
      isTRUE(pause(x < 5)) || next
      cat("not next\n")
    }),
    bquote(for (i in 1:3) {
      x <- if (.(test)) pause(i) else next
      cat("kept", numeric_or(x), "\n")
    }),
    bquote(for (i in 1:2) for (j in pause(1:3)) {
      if (.(test)) break
      cat(i, j, "\n")
    }),
    bquote(for (i in 1:3) tryCatch(
      if (.(test)) next else pause(i),
      finally = cat("each", i, "\n")
    )),
    bquote(for (i in 1:3) tryCatch(
      stop(if (pause(i) > 1) "late" else "soon"),
      error = function(e) {
        cat(conditionMessage(e), "\n")
        pause(1)
      }
    )),
    bquote(for (i in 1:2) local({
      k <- pause(i)
      if (k == 1) return(NULL)
      cat("k", k, "\n")
    })),
    bquote({
      odd <- 0
      repeat suppressWarnings({
        odd <- odd + 1
        warning("unheard")
        if (pause(odd) > 2) break
      })
    }),
    bquote(for (i in pause(list(1, NULL, "c"))) cat(length(i), "\n")),
    bquote(for (i in seq_len(pause(0))) .(body))
  )
}

# What is caught is raised again, on its way through others.
random_rethrow <- function(depth, in_loop) {
  body <- random_block(depth - 1L, in_loop)
  pick(
    bquote(tryCatch(
      tryCatch(
        {
          .(body)
          pause(1)
          stop("again")
        },
        error = function(e) {
          told(e)
          pause(2)
          stop(e)
        },
        finally = cat("between\n")
      ),
      error = told,
      finally = pause(3)
    )),
    bquote(tryCatch(
      {
        tryCatch(
          {
            pause(1)
            .(body)
          },
          finally = stop("in finally")
        )
      },
      error = told
    )),
    bquote(tryCatch(
      withCallingHandlers(
        {
          pause(1)
          warning("raised")
        },
        warning = function(w) stop(conditionMessage(w), call. = FALSE)
      ),
      error = function(e) cat("turned", conditionMessage(e), "\n")
    )),
    bquote({
      kept <- try(
        {
          pause(1)
          stop("tried")
        },
        silent = TRUE
      )
      told(attr(kept, "condition"))
      rm("kept")
    }),
    bquote(tryCatch(
      {
        pause(1)
        local({
          pause(2)
          stop("scoped")
        })
      },
      error = told
    )),
    bquote(tryCatch(
      withRestarts(
        {
          pause(1)
          stop("with a restart")
        },
        never = identity
      ),
      error = told
    )),
    bquote(withCallingHandlers(
      tryCatch(
        {
          message("to hear")
          pause(1)
          stop("to catch")
        },
        error = told
      ),
      message = function(m) cat("heard", conditionMessage(m)),
      error = function(e) cat("not for this\n")
    ))
  )
}

random_told <- function(depth) {
  value <- random_pure(depth - 1L)
  pick(
    bquote(x <- numeric_or(withCallingHandlers(
      withRestarts(
        {
          pause(1)
          warning("choose")
          8
        },
        use_value = function(v) v
      ),
      warning = function(w) invokeRestart("use_value", 3)
    ))),
    bquote(withRestarts(
      {
        pause(1)
        cat(
          "use_it" %in% vapply(computeRestarts(), function(r) r$name, ""), "\n"
        )
        x <- numeric_or(.(value))
        invokeRestart("use_it", pause(x), 2)
      },
      use_it = function(a, b) cat("used", a + b, "\n")
    )),
    bquote(withCallingHandlers(
      {
        signalCondition(note_condition())
        pause(.(value))
        message("note this")
        warning("and that")
      },
      note = function(n) cat("a note\n"),
      message = function(m) {
        cat("message", conditionMessage(m))
        tryInvokeRestart("muffleMessage")
      },
      warning = function(w) {
        told(w)
        tryInvokeRestart("muffleWarning")
      }
    )),
    bquote(cat(is.null(withRestarts(
      {
        pause(1)
        signalCondition(note_condition())
      },
      a = identity
    )), "\n")),
    bquote(x <- numeric_or(tryCatch(
      {
        pause(1)
        warning(.(quote(warningCondition("classed", class = "special"))))
      },
      special = function(w) 6
    ))),
    bquote(suppressMessages(suppressWarnings({
      warning("no")
      message("no")
      pause(1)
      warning("no")
      message("no")
      x <- numeric_or(.(value))
    }))),
    bquote(suppressWarnings(
      {
        pause(1)
        warning("heard still")
      },
      classes = "special"
    ))
  )
}

random_chain <- function(depth) {
  value <- random_pure(depth - 1L)
  pick(
    bquote(x <- y$b[pause(2)] <- .(value)),
    bquote(names(y$b)[pause(2)] <- "n"),
    bquote(names(y)[[pause(1)]] <- pause("a")),
    bquote(attr(y$b, "k")[pause(2)] <- .(value)),
    bquote(second(y$d$k) <- pause(.(value))),
    bquote(y[["b"]][[pause(1)]] <- numeric_or(.(value))),
    bquote(y["n"] <- list(pause(.(value)))),
    bquote(y[c("a", pause("n"))] <- list(1, .(value))),
    bquote(x[] <- pause(numeric_or(.(value)))),
    bquote(is.na(x) <- pause(2)),
    bquote({
      text <- "abcdef"
      substr(text, pause(2), 3) <- pause("ZZ")
      cat(text, "\n")
      rm("text")
    }),
    bquote({
      m <- matrix(1:4, 2)
      m[pause(1), ] <- pause(9L)
      m[pause(2), 2] <- 0L
      dimnames(m)[[pause(1)]] <- c("u", "v")
      print(m)
      rm("m")
    }),
    bquote({
      l <- list()
      l$p$q[[pause("r")]] <- .(value)
      l[[pause("p")]]$s <- pause(NULL)
      cat(names(l), names(l$p), "\n")
      rm("l")
    }),
    bquote({
      e <- new.env()
      e[[pause("k")]] <- .(value)
      e$k[pause(2)] <- 5
      x <- numeric_or(e$k)
      rm("e")
    }),
    bquote(outer[[pause(1)]] <<- numeric_or(.(value))),
    bquote({
      f <- as.list
      body(f) <- pause(quote(numeric_or(x)))
      x <- f(.(value))
      rm("f")
    })
  )
}

random_exits <- function(depth) {
  said <- call("cat", "exit", sample(9L, 1L), "\n")
  pick(
    bquote(on.exit(.(said), add = pause(TRUE))),
    bquote(on.exit(.(said))),
    bquote(on.exit(.(said), TRUE, FALSE)),
    quote(on.exit()),
    bquote(on.exit(
      {
        .(said)
        tryCatch(stop("in an exit"), error = function(e) cat("caught\n"))
      },
      add = TRUE, after = FALSE
    )),
    bquote({
      leaves <- function() {
        on.exit(.(said))
        on.exit(cat("second\n"), add = TRUE, after = FALSE)
        x
      }
      x <- numeric_or(c(leaves(), pause(1)))
      rm("leaves")
    }),
    bquote(local({
      on.exit(.(said))
      on.exit(cat("local\n"), add = TRUE)
      pause(1)
    })),
    bquote(for (i in 1:2) local({
      on.exit(cat("round", i, "\n"))
      if (pause(i) == 1) return(1)
      cat("two\n")
    }))
  )
}

random_scopes <- function(depth) {
  value <- random_pure(depth - 1L)
  pick(
    bquote(x <- numeric_or(local({
      x <- pause(.(value))
      local({
        x <<- 3
        outer <<- pause(4)
        x
      })
    }))),
    bquote(x <- numeric_or(local(q + pause(1), list2env(list(q = 2))))),
    bquote({
      place <- new.env()
      local(
        {
          inside <- pause(.(value))
          deeper <- inside
        },
        envir = place
      )
      cat(ls(place), "\n")
      rm("place")
    }),
    bquote({
      sets <- function(v) outer <<- numeric_or(v)
      sets(pause(.(value)))
      rm("sets")
    }),
    quote(assign("made", pause(3), envir = environment())),
    quote(cat(exists("made", inherits = FALSE), "\n")),
    quote(cat(identical(environment(), local(parent.frame())), "\n"))
  )
}

random_applied <- function(depth) {
  value <- random_pure(depth - 1L)
  pick(
    bquote(x <- numeric_or(.(value) |> pause() |> sum(1))),
    bquote(x <- pause(3:1) |> sort() |> (\(v) v[1])()),
    bquote(x <- numeric_or(do.call(sum, list(.(value), b = pause(2))))),
    bquote(x <- do.call("lazy_pick", list(pause(1), quote(stop("no"))))),
    bquote(x <- sum(mapply(function(a, b) a * b, pause(1:3), 2))),
    bquote(x <- length(Filter(function(v) v > 1, pause(1:3)))),
    bquote(x <- Reduce(`+`, Map(function(v) v, pause(1:3)))),
    bquote(x <- numeric_or(match.fun(pause("max"))(.(value), 2))),
    bquote(x <- numeric_or((function(...) sum(...))(pause(1), .(value)))),
    bquote(x <- numeric_or((\(a, ...) ..1)(1, pause(.(value))))),
    bquote(cat(deparse(substituted(.(quote(a + b)), pause(1))), "\n")),
    bquote(x <- numeric_or(invisible(pause(.(value))))),
    bquote(invisible(x <- pause(2))),
    bquote(x <- Recall_free(pause(3))),
    bquote(cat(sprintf("%d-%s", pause(3L), "s"), "\n")),
    bquote(cat(paste0("a", pause("b")), "\n")),
    bquote(x <- base::sum(pause(1), numeric_or(.(value)))),
    bquote(x <- eval(quote(numeric_or(x)), pause(list(x = 4)))),
    bquote(x <- with(pause(list(v = 3)), v + 1)),
    bquote(x <- unlist(lapply(pause(1:2), numeric_or))[[pause(2)]])
  )
}

random_dispatch <- function(depth) {
  value <- random_pure(depth - 1L)
  pick(
    bquote(print(pause(structure(list(.(value)), class = "shown")))),
    bquote(x <- numeric_or(unclass(
      money(pause(2)) + money(numeric_or(.(value)))
    ))),
    bquote(x <- numeric_or(unclass(money(1:3)[pause(2)]))),
    bquote({
      purse <- money(1:3)
      purse[pause(2)] <- numeric_or(.(value))
      purse$note <- pause("n")
      x <- numeric_or(length(purse))
      rm("purse")
    }),
    bquote(x <- describe(pause(structure(1, class = c("child", "parent"))))),
    bquote(x <- describe(pause(1L), .(value))),
    bquote(x <- describe(k = pause(2), pause(structure(1, class = "parent")))),
    bquote(cat(format(money(pause(2))), "\n")),
    bquote(x <- numeric_or(summary(c(pause(1), 2))[["Max."]]))
  )
}

# What R refuses.
random_mistake <- function(depth) {
  mistake <- pick(
    quote(if (pause(NA)) 1), quote(if (pause(NULL)) 1), quote(pause(1)(2)),
    quote(while (pause("no")) 1), quote(y[[pause(9)]]),
    quote(no_such(pause(1))), quote(no_such_variable + pause(1)),
    quote(for (i in pause(sum)) 1), quote(pause(1) + "a"),
    quote(sum(pause("a"))), quote(y$b[[pause(1)]][[7]]),
    quote(pause(no_such_variable)), quote(x[[pause("a")]][["b"]] <- pause(1)),
    quote(optional()), quote(match.arg(pause("q"), c("a", "b"))),
    quote(pause(quote(a))$b), quote(pause(NA) && TRUE),
    quote(pause("a") || TRUE), quote(log(pause(-1))),
    quote(as.integer(pause("q"))), quote(1:3 + pause(1:2)),
    quote(stopifnot("it is so" = pause(FALSE))), quote(get(pause("nowhere"))),
    quote(invokeRestart(pause("nobody"))), quote(no_such[pause(1)] <- 2)
  )
  bquote(x <- numeric_or(tryCatch(
    .(mistake),
    error = function(e) cat(conditionMessage(e), "\n"),
    warning = function(w) cat(conditionMessage(w), "\n")
  )))
}

# Functions that these call.
define_more <- function(scope) {
  scope$told <- told
  evalq(
    {
      optional <- function(a, b) {
        if (missing(a)) return(if (missing(b)) stop("neither") else b)
        if (missing(b)) numeric_or(a) + 1 else b
      }
      passes_on <- function(a, b) optional(a, b)
      substituted <- function(a, b) substitute(a)
      Recall_free <- function(n) if (n <= 0) 0 else 1 + Recall_free(n - 1)
      money <- function(v) structure(v, class = "money")
      print.shown <- function(x, ...) {
        cat("<shown>\n")
        invisible(x)
      }
      format.money <- function(x, ...) paste0(unclass(x), " coins")
      Ops.money <- function(e1, e2) {
        cat("money", .Generic, "\n")
        money(get(.Generic)(unclass(e1), unclass(e2)))
      }
      `[.money` <- function(x, i) money(unclass(x)[i])
      `[<-.money` <- function(x, i, value) {
        cat("set", i, "\n")
        money(`[<-`(unclass(x), i, value))
      }
      `$<-.money` <- function(x, name, value) {
        cat("named", name, "\n")
        x
      }
      describe <- function(x, ...) UseMethod("describe")
      describe.default <- function(x, k = 1, ...) {
        cat("default", missing(k), "\n")
        numeric_or(k)
      }
      describe.parent <- function(x, k, ...) {
        cat("parent", nargs(), "\n")
        if (missing(k)) 5 else numeric_or(k)
      }
      describe.child <- function(x, ...) {
        cat("child\n")
        NextMethod() + 1
      }
    },
    scope
  )
}
