# Where the random programs of a run begin. They are the same in each run, so
# that a change is judged by what it changed; ELSEWHERE_SEED=random looks for
# others. A failure prints the seed that repeats it.
program_seed <- function() {
  switch(seed <- Sys.getenv("ELSEWHERE_SEED", "1"),
    random = sample.int(1e6, 1L), as.integer(seed)
  )
}

# Random programs for the differential tests: the same code is run by R as it
# is, and by the evaluator with `pause(v)` replaced by an await of v. Both must
# give the same value, output, conditions and variables.

random_program <- function(depth = 4L) {
  as.call(c(
    list(as.name("{"), quote(x <- 1), quote(y <- list(a = 1, b = 2:4))),
    replicate(sample(2:4, 1), random_statement(depth), simplify = FALSE),
    list(random_expression(depth))
  ))
}

pick <- function(...) {
  options <- eval(substitute(alist(...)))
  eval(options[[sample.int(length(options), 1L)]], parent.frame())
}

random_block <- function(depth, in_loop = FALSE) {
  as.call(c(
    list(as.name("{")),
    replicate(
      sample(1:3, 1), random_statement(depth, in_loop), simplify = FALSE
    )
  ))
}

random_statement <- function(depth, in_loop = FALSE) {
  value <- function() random_expression(depth - 1L)
  if (depth <= 0L) {
    return(pick(
      call("<-", quote(x), value()),
      call("<-", quote(y$a), value()),
      call("cat", "s", random_pure(0L), "\n")
    ))
  }
  block <- function(loop = in_loop) random_block(depth - 1L, loop)
  pick(
    call("<-", quote(x), value()),
    call("=", quote(x), value()),
    call("<-", call("[[", quote(y), random_index(depth)), value()),
    call("<-", quote(y$b[2]), value()),
    call(
      "<-", quote(names(y)[1]),
      pause_of(call("sample_name", random_pure(depth - 1L)))
    ),
    call("cat", "out", random_pure(depth - 1L), "\n"),
    call("message", "m", random_pure(depth - 1L)),
    call("warning", "w", random_pure(depth - 1L)),
    call("if", random_condition(depth - 1L), block(), block()),
    call("if", random_condition(depth - 1L), block()),
    call("for", as.name("i"), pause_of(quote(1:3)), block(TRUE)),
    call("for", as.name("i"), quote(c(u = 2, v = 3)), block(TRUE)),
    random_while(block(TRUE)),
    if (in_loop) {
      call("if", random_condition(depth - 1L), pick(quote(break), quote(next)))
    } else {
      call("<-", quote(x), value())
    },
    call("on.exit", call("cat", "exit", sample(9L, 1L), "\n"), add = TRUE),
    call("if", quote(isTRUE(x > 40)), call("return", value())),
    call("<-", quote(z), call("local", call("{", quote(q <- x), value()))),
    random_try(depth, in_loop),
    call("suppressWarnings", block(FALSE)),
    call("suppressMessages", block(FALSE)),
    call("on.exit", random_exit(depth), add = TRUE, after = pick(TRUE, FALSE)),
    call("<-", quote(w), call("local", call("{", call(
      "on.exit", random_exit(depth), add = TRUE
    ), quote(q <- x), value()))),
    random_restart(depth, in_loop),
    random_signal(depth),
    call("<<-", as.name("outer"), value()),
    random_repeat(random_block(depth - 1L, TRUE)),
    call("<-", quote(attr(x, "mark")), value()),
    call("<-", call("$", call("[[", quote(y), pause_of("n")), as.name("deep")),
      value()),
    call("<-", quote(x), call("numeric_or", call(
      "switch", random_pure(depth - 1L), value(), value(), value()
    ))),
    call("<-", quote(x), call("numeric_or", call(
      "withCallingHandlers", random_block(depth - 1L),
      warning = quote(function(w) {
        cat("calling", conditionMessage(w), "\n")
        invokeRestart("muffleWarning")
      }),
      message = quote(function(m) cat("heard", conditionMessage(m)))
    ))),
    call("<-", quote(x), call("numeric_or", call(
      "switch", pause_of(call("sample_name", random_pure(depth - 1L))),
      a = value(), b = quote(expr = ), c = value(), value()
    ))),
    random_target(depth), random_target(depth),
    random_binding(depth),
    random_leaving(depth, in_loop), random_leaving(depth, in_loop),
    random_caught(depth, in_loop),
    call("for", as.name("i"), pick(
      quote(list(1, "b", NULL)), quote(pause(y$b)), quote(factor(c("u", "v")))
    ), block(TRUE)),
    random_while(block(TRUE), pause_of(4)),
    call("cat", "called", call("numeric_or", random_called(depth)), "\n"),
    random_more(depth, in_loop), random_more(depth, in_loop),
    random_more(depth, in_loop), random_more(depth, in_loop),
    random_more(depth, in_loop), random_more(depth, in_loop),
    random_more(depth, in_loop), random_more(depth, in_loop)
  )
}

random_while <- function(body, limit = 4) {
  counter <- as.name(paste0("k", sample(1e6, 1L)))
  call(
    "{", call("<-", counter, 0),
    call(
      "while",
      call("<", call("<-", counter, call("+", counter, 1)), limit),
      body
    )
  )
}

random_repeat <- function(body) {
  counter <- as.name(paste0("k", sample(1e6, 1L)))
  call(
    "{", call("<-", counter, 0),
    call("repeat", call(
      "{", call("<-", counter, call("+", counter, 1)),
      call("if", call(">", counter, 2), quote(break)), body
    ))
  )
}

random_try <- function(depth, in_loop) {
  handler <- pick(
    quote(function(e) {
      cat("caught", conditionMessage(e), "\n")
      7
    }),
    call("function", as.pairlist(alist(e = )), call("{",
      quote(cat("handler\n")), pause_of(8)))
  )
  body <- as.call(c(as.list(random_block(depth - 1L, in_loop)), list(
    pick(quote(stop("boom")), quote(5), quote(stop_special()), pause_of(6))
  )))
  tried <- pick(
    call("tryCatch", body, error = handler),
    call("tryCatch", body, special = handler, error = handler),
    call("tryCatch", body, error = handler,
      finally = call("{", quote(cat("finally\n")), pause_of(1))),
    call("numeric_or", call("try", body, silent = TRUE))
  )
  call("<-", quote(x), call("numeric_or", tried))
}

# What on.exit() registers: output that waits, or does not.
random_exit <- function(depth) {
  said <- call("cat", "exit", sample(9L, 1L), "\n")
  pick(said, call("{", pause_of(1), said), call("{", said, pause_of(2)))
}

random_restart <- function(depth, in_loop) {
  body <- as.call(c(as.list(random_block(depth - 1L, in_loop)), list(
    pick(
      call("invokeRestart", "choose", random_pure(depth - 1L)),
      call("invokeRestart", "outer_choice"), pause_of(4),
      quote(tryCatch(invokeRestart("choose", 2), finally = cat("on the way\n")))
    )
  )))
  inner <- call("withRestarts", body, choose = quote(function(v) {
    cat("chosen\n")
    v
  }))
  call("<-", quote(x), call("numeric_or", call(
    "withRestarts", call("{", inner), outer_choice = quote(function() 3)
  )))
}

# A condition that is no error, and who hears of it.
random_signal <- function(depth) {
  signal <- call("{", pause_of(1), quote(signalCondition(note_condition())),
    random_pure(depth - 1L))
  call("<-", quote(x), call("numeric_or", pick(
    call("tryCatch", signal, note = quote(function(n) {
      cat("noted\n")
      5
    })),
    call(
      "withCallingHandlers", signal, note = quote(function(n) cat("heard\n"))
    ),
    call("tryCatch",
      call(
        "withCallingHandlers", signal,
        note = quote(function(n) stop("in handler"))
      ),
      error = quote(function(e) cat("then", conditionMessage(e), "\n")))
  )))
}

random_condition <- function(depth) {
  pick(
    call(">", call("numeric_or", random_pure(depth - 1L)), 3),
    pause_of(call("<", call("numeric_or", random_pure(depth - 1L)), 5)),
    call("<", call("numeric_or", random_pure(depth - 1L)), 20),
    call("&&", quote(isTRUE(x > 2)), pause_of(quote(isTRUE(x < 9)))),
    call("||", pause_of(quote(isTRUE(x > 8))), quote(isTRUE(x < 2)))
  )
}

random_index <- function(depth) {
  pick("a", 1, pause_of("a"), pause_of(1L))
}

# May have side effects, so it stands only where the order of evaluation is R's:
# in statements and in the arguments of builtins.
random_expression <- function(depth) {
  if (depth <= 0L) return(random_pure(0L))
  value <- function() random_expression(depth - 1L)
  pick(
    pause_of(random_pure(depth - 1L)),
    call("+", value(), value()),
    call("sum", value(), value(), 1),
    call("lazy_second", random_pure(depth - 1L), random_pure(depth - 1L)),
    call("lazy_pick", random_pure(depth - 1L), quote(stop("never"))),
    call("noisy", random_pure(depth - 1L)),
    call("(", value()),
    call("{", quote(x <- (x + 1) %% 50), value()),
    call("if", random_condition(depth - 1L), value(), value()),
    random_pure(depth)
  )
}

# Without side effects: for the arguments of closures, where a pause comes
# before what is lazy around it.
random_pure <- function(depth) {
  if (depth <= 0L) {
    return(pick(quote(x), sample(9, 1), pause_of(sample(9, 1)), quote(y$b[1])))
  }
  value <- function() random_pure(depth - 1L)
  pick(
    pause_of(value()),
    call("+", value(), value()),
    call("numeric_or", call("c", value(), value())),
    call("max", call("unlist", call("list", a = value(), b = value()))),
    call("if", quote(isTRUE(x > 3)), value(), value())
  )
}

pause_of <- function(expr) call("pause", expr)

# Functions that the programs call.
program_scope <- function() {
  scope <- new.env(parent = globalenv())
  evalq(
    {
      soon <- function(v) {
        force(v)
        elsewhere::delay(0, v)
      }
      numeric_or <- function(v) {
        force(v)
        v <- suppressWarnings(as.numeric(unlist(v)))
        v <- v[!is.na(v)]
        if (length(v)) v[[1L]] %% 50 else 0
      }
      sample_name <- function(v) c("a", "b", "c", "d")[numeric_or(v) %% 4 + 1]
      lazy_second <- function(a, b) {
        cat("enter\n")
        b + a
      }
      lazy_pick <- function(a, b) a
      # The call, unless it is one of R's own around the code.
      call_of <- function(condition) {
        text <- deparse(conditionCall(condition))
        text[startsWith(text, "warner")]
      }
      warner <- function(v) {
        warning("warned")
        v
      }
      `second<-` <- function(x, value) {
        x[2] <- numeric_or(value)
        x
      }
      active_counter <- function() {
        count <- 0
        function(value) {
          if (missing(value)) count <<- count + 1 else cat("set", value, "\n")
          count
        }
      }
      chosen <- function(type = c("aa", "bb"), x) {
        type <- match.arg(type)
        cat(type, missing(x), nargs(), "\n")
        if (missing(x)) 1 else x
      }
      dotted <- function(...) {
        cat(...length(), nargs(), "\n")
        if (...length()) ..1 else 0
      }
      area <- function(x, ...) UseMethod("area")
      area.square <- function(x, k, ...) {
        cat("square", k, "\n")
        NextMethod()
      }
      area.shape <- function(x, ...) {
        cat("shape", ...length(), "\n")
        unclass(x)
      }
      defaulted <- function(a, b = a + 1) {
        a <- numeric_or(a) * 2
        b
      }
      counted <- function(a, b, c) c(nargs(), missing(b))
      noisy <- function(v) {
        cat("noisy\n")
        v
      }
      outer <- 0
      note_condition <- function() {
        structure(
          class = c("note", "condition"), list(message = "note", call = NULL)
        )
      }
      stop_special <- function() {
        stop(structure(
          class = c("special", "error", "condition"),
          list(message = "special", call = NULL)
        ))
      }
    },
    scope
  )
  define_more(scope)
  scope
}

with_pauses <- function(expr, make) {
  if (!is.call(expr)) return(expr)
  if (identical(expr[[1L]], as.name("pause"))) {
    return(make(with_pauses(expr[[2L]], make)))
  }
  as.call(lapply(as.list(expr), function(part) {
    if (identical(part, quote(expr = ))) part else with_pauses_part(part, make)
  }))
}

with_pauses_part <- function(part, make) {
  if (missing(part)) return(quote(expr = ))
  with_pauses(part, make)
}

# Value, output and conditions of `code`; the variables of `env` afterwards.
observe <- function(code, env) {
  conditions <- character()
  note <- function(condition) {
    conditions <<- c(conditions, conditionMessage(condition))
  }
  output <- utils::capture.output(
    value <- tryCatch(
      withCallingHandlers(code(),
        warning = function(w) {
          note(w)
          invokeRestart("muffleWarning")
        },
        message = function(m) {
          note(m)
          invokeRestart("muffleMessage")
        }
      ),
      error = function(e) paste("error:", conditionMessage(e))
    )
  )
  variables <- mget(sort(setdiff(ls(env), "frame")), envir = env)
  list(
    value = value, output = output, conditions = conditions,
    variables = variables[vapply(variables, Negate(is.function), NA)]
  )
}

# R's own answer: the program is the body of a function.
run_plainly <- function(program) {
  scope <- program_scope()
  frame <- NULL
  keep <- function(env) frame <<- env
  body <- call("{", as.call(list(keep, quote(environment()))),
    with_pauses(program, identity))
  f <- eval(call("function", NULL, body), scope)
  seen <- observe(f, new.env())
  seen$variables <- frame_variables(frame)
  seen
}

frame_variables <- function(frame) {
  variables <- mget(sort(ls(frame)), envir = frame)
  variables[vapply(variables, Negate(is.function), NA)]
}
