# Runs code in a process of its own with spans written down; a list of spans, in
# the order in which they have ended, named by their names.
spans_of <- function(code) {
  library <- withr::local_tempdir()
  file <- withr::local_tempfile()
  script <- withr::local_tempfile(
    lines = c("library(elsewhere)", deparse(substitute(code))), fileext = ".R"
  )
  built <- processx::run(
    file.path(R.home("bin"), "R"),
    c("CMD", "INSTALL", "--no-docs", "--library", library,
      test_path("spanrecorder")),
    error_on_status = FALSE
  )
  if (built$status != 0L) stop(built$stderr)
  ran <- processx::run(
    file.path(R.home("bin"), "Rscript"), script,
    env = c(
      "current",
      R_LIBS = paste(c(library, .libPaths()), collapse = ":"),
      OTEL_R_TRACES_EXPORTER = "spanrecorder::provider", SPAN_FILE = file
    ),
    error_on_status = FALSE
  )
  if (ran$status != 0L) stop(ran$stderr)
  spans <- lapply(readLines(file), function(line) eval(str2lang(line)))
  names(spans) <- vapply(spans, `[[`, "", "name")
  list(spans = spans, stdout = ran$stdout)
}

event_names <- function(span) vapply(span$events, `[[`, "", "name")

test_that("a session's life, start, calls, events and end are spans", {
  skip_if_not_installed("otel")
  seen <- spans_of({
    rs <- r_session$new()
    cat(rs$run(function() 6 * 7))
    rs$close()
  })
  expect_identical(seen$stdout, "42")
  spans <- seen$spans
  life <- spans[["callr::r_session"]]
  expect_identical(life$parent, "")
  expect_identical(life$tracer, "org.r-lib.callr")
  expect_identical(life$attributes$error, "error")
  parts <- c(
    "r_session$initialize() wait", "r_session$call", "r_session$read",
    "r_session$close", "callr subprocess"
  )
  expect_setequal(names(spans), c("callr::r_session", parts))
  for (part in setdiff(parts, "r_session$read")) {
    expect_identical(spans[[part]]$parent, life$id, label = part)
  }
  reads <- spans[names(spans) == "r_session$read"]
  attributes <- lapply(reads, `[[`, "attributes")
  expect_true(all(vapply(attributes, `[[`, NA, "message")))
  expect_identical(
    unname(vapply(attributes, `[[`, 0L, "status_code")), c(201L, 200L)
  )
})

test_that("the process of a session continues the trace, and records errors", {
  skip_if_not_installed("otel")
  seen <- spans_of({
    rs <- r_session$new()
    try(rs$run(function() stop("boom")), silent = TRUE)
    message <- function(x) {
      signalCondition(structure(
        class = c("callr_message", "condition"), list(message = x)
      ))
    }
    rs$run(message, list("hello"))
    rs$run(function() {
      otel::start_span("mine", tracer = otel::get_tracer("x"))$end()
    })
    rs$close()
  })
  spans <- seen$spans
  theirs <- spans[["callr subprocess"]]
  expect_identical(theirs$parent, spans[["callr::r_session"]]$id)
  expect_false(theirs$pid == spans[["callr::r_session"]]$pid)
  expect_identical(event_names(theirs), c("exception", "callr message"))
  expect_identical(theirs$events[[1L]]$attributes$message, "boom")
  expect_identical(spans$mine$parent, theirs$id)
})

test_that("spans end when a session cannot start, crashes or is collected", {
  skip_if_not_installed("otel")
  seen <- spans_of({
    unstartable <- r_session_options(load_hook = quote(stop("no")))
    try(r_session$new(unstartable), silent = TRUE)
    rs <- r_session$new()
    try(rs$run(function() tools::pskill(Sys.getpid(), 9L)), silent = TRUE)
    rm(rs)
    invisible(gc())
  })
  lives <- seen$spans[names(seen$spans) == "callr::r_session"]
  expect_identical(lives[[1L]]$status, "error")
  expect_identical(event_names(lives[[2L]]), "finalizer")
  reads <- seen$spans[names(seen$spans) == "r_session$read"]
  codes <- vapply(reads, function(one) one$attributes$status_code, 0L)
  expect_identical(unname(codes), c(501L, 201L, 501L))
})

test_that("r() and r_bg() have spans of their own", {
  skip_if_not_installed("otel")
  seen <- spans_of({
    r(function() 1)
    try(r(function() stop("no")), silent = TRUE)
    process <- r_bg(function() Sys.sleep(60))
    try(process$get_result(), silent = TRUE)
    process$kill()
    process <- r_bg(function() 1)
    process$wait()
    process$get_result()
  })
  spans <- seen$spans
  expect_identical(sum(names(spans) == "callr::r"), 2L)
  processes <- spans[names(spans) == "callr::r_process"]
  expect_identical(event_names(processes[[1L]]), "get_result")
  expect_identical(processes[[2L]]$status, "ok")
})

test_that("a session whose trace nobody exports does without otel", {
  rs <- local_session(env = c(
    OTEL_TRACES_EXPORTER = NA, OTEL_R_TRACES_EXPORTER = NA, TRACEPARENT = "00-a"
  ))
  expect_false(rs$run(function() isNamespaceLoaded("otel")))
})
