run_as_task <- function(program, make) {
  scope <- program_scope()
  frame <- NULL
  keep <- function(env) frame <<- env
  body <- call("{", as.call(list(keep, quote(environment()))),
    with_pauses(program, make))
  seen <- observe(function() {
    task <- eval(as.call(list(quote(elsewhere::async), body)), scope)
    settled(task)
  }, new.env())
  seen$variables <- frame_variables(frame)
  seen
}

run_as_generator <- function(program) {
  scope <- program_scope()
  frame <- NULL
  keep <- function(env) frame <<- env
  body <- call("{", as.call(list(keep, quote(environment()))),
    with_pauses(program, function(v) call("yield", v)))
  seen <- observe(function() {
    eval(as.call(list(quote(elsewhere::gen), body)), scope) |> exhaust()
  }, new.env())
  seen$value <- NULL
  seen$variables <- frame_variables(frame)
  seen
}

exhaust <- function(generator) {
  end <- new.env()
  while (!identical(nextOr(generator, end), end)) NULL
}

pauses <- list(
  "an await of a promise" = function(v) call("await", call("soon", v)),
  "an await of a value" = function(v) call("await", v)
)

test_that("random programs do as a task what they do in plain R", {
  count <- as.integer(Sys.getenv("ELSEWHERE_PROGRAMS", "1000"))
  seed <- program_seed()
  rounds <- local_loop_rounds()
  for (i in seq_len(count)) {
    # In some of them each loop is compiled at once.
    compile_loops_after(if ((seed + i) %% 5L == 0L) 0L else rounds)
    set.seed(seed + i)
    program <- random_program()
    expected <- run_plainly(program)
    kind <- names(pauses)[[i %% 2L + 1L]]
    expect_equal(
      run_as_task(program, pauses[[kind]]), expected,
      info = paste0("ELSEWHERE_SEED=", seed + i - 1L, ", ", kind)
    )
  }
})

test_that("random programs do as a generator what they do in plain R", {
  count <- as.integer(Sys.getenv("ELSEWHERE_PROGRAMS", "1000"))
  seed <- program_seed()
  rounds <- local_loop_rounds()
  for (i in seq_len(count)) {
    # In some of them each loop is compiled at once.
    compile_loops_after(if ((seed + i) %% 5L == 0L) 0L else rounds)
    set.seed(seed + i)
    program <- random_program()
    expected <- run_plainly(program)
    if (is.character(expected$value)) next
    expected$value <- NULL
    expect_equal(
      run_as_generator(program), expected,
      info = paste0("ELSEWHERE_SEED=", seed + i - 1L)
    )
  }
})
