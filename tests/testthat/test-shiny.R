# Tasks in the code of Shiny sessions, without a browser. test-shiny-browser.R
# has one.

local_shiny_session <- function(env = parent.frame()) {
  testthat::skip_if_not_installed("shiny", "1.8.1")
  session <- shiny::MockShinySession$new()
  withr::defer(if (!session$isClosed()) session$close(), envir = env)
  session
}

in_session <- function(session, code) shiny::withReactiveDomain(session, code)

current_token <- function() {
  session <- shiny::getDefaultReactiveDomain()
  if (is.null(session)) "none" else session$token
}

test_that("after each await a task is in the session it was made for", {
  sessions <- list(local_shiny_session(), local_shiny_session())
  local_plan(multisession, workers = 2)
  seen <- list()
  for (session in sessions) in_session(session, local({
    amount <- shiny::reactiveVal(session$token)
    name <- session$token
    shiny::observe(async({
      tokens <- current_token()
      await(delay(0.01))
      tokens <- c(tokens, current_token())
      await(promises::promise_resolve(1))
      tokens <- c(tokens, current_token(), amount())
      await(future(1))
      tokens <- c(tokens, current_token())
      await(async({
        await(delay(0))
        tokens <<- c(tokens, current_token())
      }))
      seen[[name]] <<- c(tokens, current_token(), amount())
    }))
  }))
  outside <- async({
    await(delay(0.01))
    current_token()
  })
  for (session in sessions) session$flushReact()
  expect_true(soon_true(function() length(seen) == 2L))
  for (session in sessions) {
    expect_identical(unique(seen[[session$token]]), session$token)
    expect_length(seen[[session$token]], 8)
  }
  expect_identical(in_session(sessions[[1]], wait_for(outside)), "none")
})

test_that("what a task reads after an await invalidates its reactive", {
  session <- local_shiny_session()
  in_session(session, {
    early <- shiny::reactiveVal(1)
    late <- shiny::reactiveVal(10)
    total <- shiny::reactive(async({
      first <- early()
      await(delay(0))
      first + late()
    }))
    seen <- NULL
    shiny::observe(async(seen <<- c(seen, await(total()))))
    session$flushReact()
    expect_true(soon_true(function() length(seen) == 1L))
    late(20)
    session$flushReact()
    expect_true(soon_true(function() length(seen) == 2L))
    early(2)
    session$flushReact()
    expect_true(soon_true(function() length(seen) == 3L))
  })
  expect_identical(seen, c(11, 21, 22))
})

test_that("outputs take tasks, and show their errors", {
  testthat::skip_if_not_installed("shiny", "1.8.1")
  server <- function(input, output, session) {
    output$text <- shiny::renderText(async({
      n <- await(delay(0, input$n))
      if (n > 5) stop("too many")
      paste("n is", n)
    }))
  }
  shiny::testServer(server, {
    session$setInputs(n = 3)
    expect_identical(output$text, "n is 3")
    session$setInputs(n = 6)
    expect_error(output$text, "too many")
  })
})

test_that("an ExtendedTask runs a task, a future or a session's call", {
  session <- local_shiny_session()
  local_plan(multisession, workers = 2)
  rs <- local_session()
  in_session(session, {
    kinds <- list(
      shiny::ExtendedTask$new(function(x) async(await(delay(0.01, x)) + 1)),
      shiny::ExtendedTask$new(async(function(x) await(future(x + 1)))),
      shiny::ExtendedTask$new(function(x) future(x + 1)),
      shiny::ExtendedTask$new(function(x) {
        rs$call(function(x) x + 1, list(x))
        promises::as.promise(rs)
      })
    )
    for (task in kinds) {
      task$invoke(1)
      task$invoke(2)
      status <- function() shiny::isolate(task$status())
      expect_identical(status(), "running")
      value <- function() tryCatch(
        shiny::isolate(task$result()), error = is.null
      )
      expect_true(soon_true(function() identical(value(), 3)))
    }
  })
})

test_that("the tasks of a session are cancelled when its user leaves", {
  session <- local_shiny_session()
  other <- local_shiny_session()
  local_plan(multisession, workers = 2)
  log <- NULL
  start <- function(name) async({
    on.exit(log <<- c(log, name))
    await(delay(1000))
  })
  in_session(session, {
    first <- start("first")
    waiting <- async(await(future(Sys.sleep(1000))))
    # Made after a pause, and in a module.
    nested <- async({
      await(delay(0))
      await(start("nested"))
    })
    ticking <- stream({
      on.exit(log <<- c(log, "stream"))
      repeat {
        await(delay(1000))
        yield(1)
      }
    }, lazy = FALSE)
    done <- async(await(delay(0, "done")))
  })
  kept <- in_session(other, start("other"))
  free <- start("free")
  expect_identical(settled(done), "done")
  expect_true(soon_true(function() is.function(ticking)))
  session$close()
  for (task in list(first, waiting, nested)) {
    error <- expect_error(settled(task), class = "cancelled")
    expect_match(conditionMessage(error), "its Shiny session has ended")
    # Shiny does not report it.
    expect_s3_class(error, "shiny.silent.error")
  }
  expect_setequal(log, c("first", "nested", "stream"))
  expect_identical(promise_status(kept), "pending")
  expect_identical(promise_status(free), "pending")
  expect_null(session_tasks[[session$token]])
  cancel(free)
})

test_that("a task that somebody else waits for outlives its session", {
  session <- local_shiny_session()
  other <- local_shiny_session()
  gate <- pending_promise()
  shared <- in_session(session, async(await(gate)))
  theirs <- in_session(other, async(await(shared)))
  # Waiting for it in its own session changes nothing.
  own <- in_session(session, async(await(delay(1000))))
  in_session(session, promises::then(own, identity, function(e) NULL))
  session$close()
  expect_error(settled(own), class = "cancelled")
  promise_resolve_native(gate, 5)
  expect_identical(settled(theirs), 5)
})

test_that("a task can be made to belong to no session", {
  session <- local_shiny_session()
  task <- in_session(
    session, shiny::withReactiveDomain(NULL, async(await(delay(0.01, 1))))
  )
  session$close()
  expect_identical(settled(task), 1)
})

test_that("a reactive domain that is no session does no harm", {
  testthat::skip_if_not_installed("shiny", "1.8.1")
  for (domain in list(list(token = "x"), list(), new.env())) {
    expect_identical(
      in_session(domain, wait_for(async(await(delay(0, 1))), 10)), 1
    )
  }
})

test_that("finished tasks are forgotten", {
  session <- local_shiny_session()
  tasks <- in_session(session, lapply(1:10, function(i) async(await(delay(0)))))
  settled(promises::promise_all(.list = tasks))
  expect_length(ls(session_tasks[[session$token]]), 0)
})
